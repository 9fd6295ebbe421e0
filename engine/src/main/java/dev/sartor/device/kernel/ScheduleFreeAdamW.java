package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * One step of schedule-free AdamW.
 *
 * @param y the parameter while it is trained
 * @param z the base iterate
 * @param gradientScale or null
 * @param weight what {@link ScheduleFreeWeight} wrote
 */
public record ScheduleFreeAdamW(
        Tensor y,
        Tensor gradient,
        Tensor z,
        Tensor v,
        Tensor gradientScale,
        Tensor schedule,
        Tensor weight,
        float beta1,
        float beta2,
        float epsilon,
        float weightDecay)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(gradient, gradientScale, schedule, weight);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y, z, v);
    }

    @Override
    public ScheduleFreeAdamW with(Substitution change) {
        return new ScheduleFreeAdamW(change.of(y), change.of(gradient), change.of(z), change.of(v), change.of(gradientScale),
                change.of(schedule), change.of(weight), beta1, beta2, epsilon, weightDecay);
    }
}
