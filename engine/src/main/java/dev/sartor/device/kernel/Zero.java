package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = 0. */
public record Zero(Tensor y)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return List.of();
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Zero with(Substitution change) {
        return new Zero(change.of(y));
    }
}
