package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = table[ids], or y += with accumulate. */
public record Embedding(Matrix table, Tensor ids, Tensor y, boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(table, ids);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Embedding with(Substitution change) {
        return new Embedding(change.of(table), change.of(ids), change.of(y), accumulate);
    }
}
