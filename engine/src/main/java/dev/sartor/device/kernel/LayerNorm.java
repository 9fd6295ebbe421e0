package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * y = (x - mean) * inverseStd * weight + bias over the innermost dimension.
 *
 * <p>With a residual, sum = x + residual takes x's place; both are null or neither is.
 */
public record LayerNorm(
        Tensor x,
        Tensor residual,
        Tensor sum,
        Tensor weight,
        Tensor bias,
        Tensor y,
        Tensor mean,
        Tensor inverseStd,
        float epsilon)
        implements Kernel {
    /** Without a residual. */
    public LayerNorm(Tensor x, Tensor weight, Tensor bias, Tensor y, Tensor mean, Tensor inverseStd, float epsilon) {
        this(x, null, null, weight, bias, y, mean, inverseStd, epsilon);
    }

    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, residual, weight, bias);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(sum, y, mean, inverseStd);
    }

    @Override
    public LayerNorm with(Substitution change) {
        return new LayerNorm(change.of(x), change.of(residual), change.of(sum), change.of(weight), change.of(bias),
                change.of(y), change.of(mean), change.of(inverseStd), epsilon);
    }
}
