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

    /**
     * Whether an output costs so little, elementwise work or a norm, that it may be computed again in the
     * backward pass instead of being kept.
     */
    default Recomputation recomputation(int output) {
        return Recomputation.NEVER;
    }

    /** Computes an output again, bit for bit, where {@link #recomputation} allows it. */
    default void recompute(Frame frame, int output) {
        forward(frame);
    }

    default String name() {
        return getClass().getSimpleName();
    }
}
