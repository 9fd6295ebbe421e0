package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Gradients of {@link LoraLinear}; whatever is null is not computed. Parameter gradients are added
 * to.
 */
public record LoraLinearBackward(
        Tensor dy,
        Tensor x,
        Tensor h,
        Matrix weight,
        Tensor loraA,
        Tensor loraB,
        Tensor dx,
        Tensor dLoraA,
        Tensor dLoraB,
        Tensor dWeight,
        Tensor dBias,
        Tensor rng,
        long site,
        float scaling,
        float dropout,
        boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(weight, dy, x, h, loraA, loraB, rng);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dx, dLoraA, dLoraB, dWeight, dBias);
    }
}
