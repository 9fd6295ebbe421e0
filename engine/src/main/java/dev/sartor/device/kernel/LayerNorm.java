package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = (x - mean) * inverseStd * weight + bias over the innermost dimension. */
public record LayerNorm(
        Tensor x,
        Tensor weight,
        Tensor bias,
        Tensor y,
        Tensor mean,
        Tensor inverseStd,
        float epsilon)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, weight, bias);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y, mean, inverseStd);
    }
}
