package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** dTable[ids] += dy. */
public record EmbeddingBackward(Tensor dy, Tensor ids, Tensor dTable)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, ids);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dTable);
    }

    @Override
    public EmbeddingBackward with(Substitution change) {
        return new EmbeddingBackward(change.of(dy), change.of(ids), change.of(dTable));
    }
}
