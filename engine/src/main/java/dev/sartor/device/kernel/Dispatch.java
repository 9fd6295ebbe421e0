package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Where the rows of a mixture of experts lie: a stable counting sort of assignments by expert.
 *
 * @param indices [rows, topK] int32: the expert of each assignment
 * @param offsets [experts + 1] int32: expert e's grouped rows are [offsets[e], offsets[e + 1])
 * @param permutation [rows * topK] int32: the assignment at each grouped row, -1 behind the last
 * @param inverse [rows, topK] int32: the grouped row of each assignment, -1 where dropped
 * @param load [experts] int32: assignments of each expert, dropped ones too
 * @param capacity assignments that an expert takes, the first ones; 0: all
 */
public record Dispatch(Tensor indices, Tensor offsets, Tensor permutation, Tensor inverse, Tensor load, long capacity)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(indices);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(offsets, permutation, inverse, load);
    }

    @Override
    public Dispatch with(Substitution change) {
        return new Dispatch(change.of(indices), change.of(offsets), change.of(permutation), change.of(inverse), change.of(load),
                capacity);
    }
}
