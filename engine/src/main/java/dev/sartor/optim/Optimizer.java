package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** Turns gradients into steps. */
public interface Optimizer {
    /**
     * Kernels of one step.
     *
     * @param schedule learning rate (float32) and step (int32, from 1), as sartor_schedule
     * @param gradientScale one float32 that gradients are multiplied with, or null
     */
    List<Kernel> step(Tensor schedule, Tensor gradientScale);

    /** What must be saved to go on exactly, by name, in a fixed order. */
    Map<String, Tensor> state();
}
