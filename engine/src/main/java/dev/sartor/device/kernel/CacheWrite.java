package dev.sartor.device.kernel;

import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** Copies rows x [batch, length] into slots of cache [batch, capacity, width]. */
public record CacheWrite(Columns x, Tensor cache, Tensor slots)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x.matrix(), slots);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(cache);
    }

    @Override
    public CacheWrite with(Substitution change) {
        return new CacheWrite(change.of(x), change.of(cache), change.of(slots));
    }
}
