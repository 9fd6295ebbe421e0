package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * One Adafactor step.
 *
 * @param parameter [rows, columns]
 * @param row [rows], means of squares; null where v is kept
 * @param column [columns]; null where v is kept
 * @param v of the parameter's shape; null where row and column are kept
 * @param gradientScale or null
 */
public record Adafactor(
        Tensor parameter,
        Tensor gradient,
        Tensor row,
        Tensor column,
        Tensor v,
        Tensor gradientScale,
        Tensor schedule,
        float decayRate,
        float epsilon1,
        float epsilon2,
        float clipThreshold,
        float weightDecay,
        boolean scaleParameter)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(gradient, gradientScale, schedule);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(parameter, row, column, v);
    }

    @Override
    public Adafactor with(Substitution change) {
        return new Adafactor(change.of(parameter), change.of(gradient), change.of(row), change.of(column), change.of(v),
                change.of(gradientScale), change.of(schedule), decayRate, epsilon1, epsilon2, clipThreshold, weightDecay,
                scaleParameter);
    }
}
