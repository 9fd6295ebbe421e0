package dev.sartor.optim;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** Turns gradients into steps. */
public interface Optimizer {
    /** Kernels of one step. */
    List<Kernel> step(StepInputs inputs);

    /** What must be saved to go on exactly, by name, in a fixed order. */
    Map<String, Tensor> state();

    /** Kernels that bring the state to its start, once the parameters have their initial values; none where that is zero. */
    default List<Kernel> start() {
        return List.of();
    }

    /**
     * Kernels that turn parameters as they are trained into those that a run is about: what is evaluated
     * and saved. None where they are the same. The caller keeps the former, to put them back.
     */
    default List<Kernel> average() {
        return List.of();
    }

    /**
     * The learning rate of a step; methods with a schedule of their own disregard the run's.
     *
     * @param step from 1
     */
    default double learningRate(double scheduled, long step) {
        return scheduled;
    }
}
