package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * y = x * inverseRms * weight over the innermost dimension.
 *
 * <p>With a residual, sum = x + residual takes x's place; both are null or neither is.
 */
public record RmsNorm(
        Tensor x,
        Tensor residual,
        Tensor sum,
        Tensor weight,
        Tensor y,
        Tensor inverseRms,
        float epsilon)
        implements Kernel {
    /** Without a residual. */
    public RmsNorm(Tensor x, Tensor weight, Tensor y, Tensor inverseRms, float epsilon) {
        this(x, null, null, weight, y, inverseRms, epsilon);
    }

    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, residual, weight);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(sum, y, inverseRms);
    }

    @Override
    public RmsNorm with(Substitution change) {
        return new RmsNorm(change.of(x), change.of(residual), change.of(sum), change.of(weight), change.of(y),
                change.of(inverseRms), epsilon);
    }
}
