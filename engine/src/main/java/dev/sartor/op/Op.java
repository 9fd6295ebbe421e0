package dev.sartor.op;

import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * A fused operation with its gradient. An op holds numbers, never tensors of a step: those come
 * through the {@link Frame}. It emits kernels; what they keep for the backward pass lives exactly
 * until the last kernel that reads it.
 */
public interface Op {
    /**
     * What comes out, from what goes in; an absent optional input is null.
     *
     * @throws IllegalArgumentException if the inputs do not fit, saying what was expected
     */
    List<TensorSpec> outputs(List<TensorSpec> inputs);

    void forward(Frame frame);

    /** Gives each input that wants one its gradient. */
    void backward(Frame frame);

    default String name() {
        return getClass().getSimpleName();
    }
}
