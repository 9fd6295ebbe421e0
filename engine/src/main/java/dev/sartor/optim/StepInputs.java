package dev.sartor.optim;

import dev.sartor.tensor.Tensor;
import java.util.Map;

/**
 * What the kernels of a step read besides gradients and state.
 *
 * @param schedules by {@link Trained#rate}: learning rate (float32) and step (int32, from 1), as
 *     sartor_schedule; there is always one for 1
 * @param gradientScale one float32 that gradients are multiplied with, or null
 */
public record StepInputs(Map<Double, Tensor> schedules, Tensor gradientScale) {
    /** The schedule of a tensor. */
    public Tensor schedule(Trained trained) {
        return schedules.get(trained.rate());
    }

    /** The run's own schedule. */
    public Tensor schedule() {
        return schedules.get(1.0);
    }
}
