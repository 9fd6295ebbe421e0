package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Muon's momentum buffer, and its direction divided by its Frobenius norm; gradientScale or null. */
public record MuonMomentum(
        Tensor gradient,
        Tensor buffer,
        Tensor direction,
        Tensor gradientScale,
        float momentum,
        float epsilon,
        boolean nesterov)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(gradient, gradientScale);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(buffer, direction);
    }

    @Override
    public MuonMomentum with(Substitution change) {
        return new MuonMomentum(change.of(gradient), change.of(buffer), change.of(direction), change.of(gradientScale),
                momentum, epsilon, nesterov);
    }
}
