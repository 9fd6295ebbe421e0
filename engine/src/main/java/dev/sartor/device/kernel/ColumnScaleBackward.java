package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link ColumnScale}; dScale is written, dBias added to. */
public record ColumnScaleBackward(
        Tensor dy,
        Tensor x,
        Tensor scale,
        Tensor dx,
        Tensor dScale,
        Tensor dBias,
        boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, x, scale);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dx, dScale, dBias);
    }

    @Override
    public ColumnScaleBackward with(Substitution change) {
        return new ColumnScaleBackward(change.of(dy), change.of(x), change.of(scale), change.of(dx), change.of(dScale),
                change.of(dBias), accumulate);
    }
}
