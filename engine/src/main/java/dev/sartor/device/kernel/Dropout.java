package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y (+)= x * mask / (1 - probability). */
public record Dropout(
        Tensor x,
        Tensor y,
        Tensor rng,
        long site,
        float probability,
        boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, rng);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Dropout with(Substitution change) {
        return new Dropout(change.of(x), change.of(y), change.of(rng), site, probability, accumulate);
    }
}
