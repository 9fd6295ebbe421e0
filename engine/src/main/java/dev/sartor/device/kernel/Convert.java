package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = x in y's float type. */
public record Convert(Tensor x, Tensor y)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Convert with(Substitution change) {
        return new Convert(change.of(x), change.of(y));
    }
}
