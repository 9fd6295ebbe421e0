package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = alpha a + beta b; without b, y = alpha a. */
public record Add(Tensor a, Tensor b, Tensor y, float alpha, float beta)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(a, b);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Add with(Substitution change) {
        return new Add(change.of(a), change.of(b), change.of(y), alpha, beta);
    }
}
