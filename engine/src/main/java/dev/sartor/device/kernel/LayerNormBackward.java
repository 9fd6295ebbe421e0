package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link LayerNorm}. */
public record LayerNormBackward(
        Tensor dy,
        Tensor x,
        Tensor weight,
        Tensor mean,
        Tensor inverseStd,
        Tensor dx,
        Tensor dWeight,
        Tensor dBias,
        boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, x, weight, mean, inverseStd);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dx, dWeight, dBias);
    }
}
