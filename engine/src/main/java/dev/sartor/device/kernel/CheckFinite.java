package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** found = index of the first NaN or infinity, else -1; found is one int64. */
public record CheckFinite(Tensor x, Tensor found)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(found);
    }

    @Override
    public CheckFinite with(Substitution change) {
        return new CheckFinite(change.of(x), change.of(found));
    }
}
