package dev.sartor.op;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;

/** What an op sees of the step it is part of. */
public interface Frame {
    int inputCount();

    /** An input, or null where an optional one is absent. */
    Tensor input(int index);

    Tensor output(int index);

    /** Whether the input takes a gradient. False for absent inputs, and always when only inferring. */
    boolean needsGradient(int index);

    /** A tensor made in the forward pass and found again, under the same index, in the backward pass. */
    Tensor keep(int index, TensorSpec spec);

    /** A new tensor for use within this pass. */
    Tensor temporary(TensorSpec spec);

    void emit(Kernel kernel);

    /** Backward only: the gradient of an output, or null if no op used that output. */
    Tensor outputGradient(int index);

    /** Backward only: where to write or add an activation's gradient. The input must need one. */
    Gradient gradient(int index);

    /**
     * Backward only: a tensor to write an activation's gradient to, for kernels that cannot add; the
     * sum with what other uses gave is made afterwards.
     */
    Tensor freshGradient(int index);

    /** Float32 memory that the gradient of a parameter is added to. The input must need one. */
    Tensor parameterGradient(int index);

    /** Backward only: says that the gradient of the input is this tensor, without a copy. */
    void passGradient(int index, Tensor gradient);
}
