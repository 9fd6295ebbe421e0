package dev.sartor.op;

import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Multiplicative noise on a router's and its experts' input, in training only (Fedus et al. 2021, section 2.2): x * u, u
 * uniform in [1 - noise, 1 + noise). Input: x. Output: as x.
 *
 * @param rng seed and step, two int64
 * @param site tells this layer's draws from those of others
 */
public record Jitter(Tensor rng, long site, float noise) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        Check.activation(this, "x", inputs.getFirst());
        Check.that(noise >= 0 && noise < 1, this, "noise %f is not in [0, 1)", noise);
        return List.of(inputs.getFirst());
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Jitter(f.input(0), f.output(0), rng, site, noise, false));
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.CHAINED;
    }

    @Override
    public void backward(Frame f) {
        var dx = f.gradient(0);
        f.emit(new dev.sartor.device.kernel.Jitter(f.outputGradient(0), dx.tensor(), rng, site, noise, dx.accumulate()));
    }
}
