package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = x * inverseRms * weight over the innermost dimension. */
public record RmsNorm(Tensor x, Tensor weight, Tensor y, Tensor inverseRms, float epsilon)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, weight);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y, inverseRms);
    }
}
