package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link LayerNorm}; dSum, or null, is added to dx: what reached x beside the norm. */
public record LayerNormBackward(
        Tensor dy,
        Tensor x,
        Tensor dSum,
        Tensor weight,
        Tensor mean,
        Tensor inverseStd,
        Tensor dx,
        Tensor dWeight,
        Tensor dBias,
        boolean accumulate)
        implements Kernel {
    /** Where nothing but the norm used x, or its gradient is added to. */
    public LayerNormBackward(
            Tensor dy, Tensor x, Tensor weight, Tensor mean, Tensor inverseStd, Tensor dx, Tensor dWeight, Tensor dBias, boolean accumulate) {
        this(dy, x, null, weight, mean, inverseStd, dx, dWeight, dBias, accumulate);
    }

    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, x, dSum, weight, mean, inverseStd);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dx, dWeight, dBias);
    }

    @Override
    public LayerNormBackward with(Substitution change) {
        return new LayerNormBackward(change.of(dy), change.of(x), change.of(dSum), change.of(weight), change.of(mean),
                change.of(inverseStd), change.of(dx), change.of(dWeight), change.of(dBias), accumulate);
    }
}
