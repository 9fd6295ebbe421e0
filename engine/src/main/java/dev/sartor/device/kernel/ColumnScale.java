package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = x * scale + bias, by column. */
public record ColumnScale(Tensor x, Tensor scale, Tensor bias, Tensor y)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, scale, bias);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public ColumnScale with(Substitution change) {
        return new ColumnScale(change.of(x), change.of(scale), change.of(bias), change.of(y));
    }
}
