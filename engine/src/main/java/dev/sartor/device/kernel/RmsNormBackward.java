package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link RmsNorm}. */
public record RmsNormBackward(
        Tensor dy,
        Tensor x,
        Tensor weight,
        Tensor inverseRms,
        Tensor dx,
        Tensor dWeight,
        boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, x, weight, inverseRms);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dx, dWeight);
    }
}
