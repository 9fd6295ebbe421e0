package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = x W^T + bias in float32. */
public record Logits(Tensor x, Matrix weight, Tensor bias, Tensor y, float softcap)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(weight, x, bias);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Logits with(Substitution change) {
        return new Logits(change.of(x), change.of(weight), change.of(bias), change.of(y), softcap);
    }
}
