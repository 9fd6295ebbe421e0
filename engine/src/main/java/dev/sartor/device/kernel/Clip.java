package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** norm = sqrt(sumSquares); coefficient = min(1, maxNorm / (norm + 1e-6)), 1 where maxNorm is 0. */
public record Clip(Tensor sumSquares, Tensor norm, Tensor coefficient, float maxNorm)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(sumSquares);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(norm, coefficient);
    }

    @Override
    public Clip with(Substitution change) {
        return new Clip(change.of(sumSquares), change.of(norm), change.of(coefficient), maxNorm);
    }
}
