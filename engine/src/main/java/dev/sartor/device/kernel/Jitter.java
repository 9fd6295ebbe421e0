package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y (+)= x * u, u uniform in [1 - noise, 1 + noise). */
public record Jitter(Tensor x, Tensor y, Tensor rng, long site, float noise, boolean accumulate) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, rng);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Jitter with(Substitution change) {
        return new Jitter(change.of(x), change.of(y), change.of(rng), site, noise, accumulate);
    }
}
