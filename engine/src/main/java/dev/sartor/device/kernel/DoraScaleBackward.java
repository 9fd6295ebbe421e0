package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** dMagnitude += dScale / norm. */
public record DoraScaleBackward(Tensor dScale, Tensor norm, Tensor dMagnitude)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dScale, norm);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dMagnitude);
    }

    @Override
    public DoraScaleBackward with(Substitution change) {
        return new DoraScaleBackward(change.of(dScale), change.of(norm), change.of(dMagnitude));
    }
}
