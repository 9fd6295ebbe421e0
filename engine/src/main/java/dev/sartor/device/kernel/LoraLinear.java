package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = x W^T + bias + scaling h B^T with h = dropout(x) A^T; rank 0 without an adapter. */
public record LoraLinear(
        Tensor x,
        Matrix weight,
        Tensor bias,
        Tensor loraA,
        Tensor loraB,
        Tensor y,
        Tensor h,
        Tensor rng,
        long site,
        float scaling,
        float dropout)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(weight, x, bias, loraA, loraB, rng);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y, h);
    }
}
