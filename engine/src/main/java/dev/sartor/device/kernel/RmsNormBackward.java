package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link RmsNorm}; dSum, or null, is added to dx: what reached x beside the norm. */
public record RmsNormBackward(
        Tensor dy,
        Tensor x,
        Tensor dSum,
        Tensor weight,
        Tensor inverseRms,
        Tensor dx,
        Tensor dWeight,
        boolean accumulate)
        implements Kernel {
    /** Where nothing but the norm used x, or its gradient is added to. */
    public RmsNormBackward(
            Tensor dy, Tensor x, Tensor weight, Tensor inverseRms, Tensor dx, Tensor dWeight, boolean accumulate) {
        this(dy, x, null, weight, inverseRms, dx, dWeight, accumulate);
    }

    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, x, dSum, weight, inverseRms);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dx, dWeight);
    }

    @Override
    public RmsNormBackward with(Substitution change) {
        return new RmsNormBackward(change.of(dy), change.of(x), change.of(dSum), change.of(weight), change.of(inverseRms),
                change.of(dx), change.of(dWeight), accumulate);
    }
}
