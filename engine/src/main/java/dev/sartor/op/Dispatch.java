package dev.sartor.op;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Where the rows of a mixture of experts lie: assignments in the order of their experts, each expert's in
 * the order of the tokens.
 *
 * <p>Input: indices [rows, top_k] int32. Outputs, all int32: {@link #OFFSETS} [experts + 1];
 * {@link #PERMUTATION} [rows * top_k]; {@link #INVERSE} [rows, top_k]; {@link #LOAD} [experts]. Sizes
 * hold for any distribution.
 *
 * @param capacity assignments that an expert takes, the first ones; 0: all, none is dropped
 */
public record Dispatch(int experts, long capacity) implements Op {
    public static final int OFFSETS = 0;
    public static final int PERMUTATION = 1;
    public static final int INVERSE = 2;
    public static final int LOAD = 3;

    /**
     * What an expert takes with that capacity factor (Lepikhin et al. 2020, section 2.2): so many times its even share,
     * at least 1.
     *
     * @param factor 0: all
     */
    public static long capacity(double factor, long assignments, int experts) {
        if (!(factor >= 0) || Double.isInfinite(factor)) {
            throw new IllegalArgumentException("capacity factor " + factor + ": expected a finite number, 0 (none is dropped) or more");
        }
        return factor == 0 ? 0 : Math.max(1, (long) Math.ceil(factor * assignments / experts));
    }

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var indices = inputs.getFirst();
        Check.that(indices.dtype() == DType.INT32 && indices.shape().rank() == 2, this,
                "indices must be int32 [rows, top_k], are %s", indices);
        Check.that(capacity >= 0, this, "capacity is %d, must be 0 (none is dropped) or more", capacity);
        return List.of(
                TensorSpec.of(DType.INT32, experts + 1L), TensorSpec.of(DType.INT32, indices.shape().elements()), indices,
                TensorSpec.of(DType.INT32, experts));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Dispatch(
                f.input(0), f.output(OFFSETS), f.output(PERMUTATION), f.output(INVERSE), f.output(LOAD), capacity));
    }

    @Override
    public void backward(Frame f) {
        // Integers have no gradient.
    }
}
