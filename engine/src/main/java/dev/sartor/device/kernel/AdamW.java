package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** One AdamW step on parameter, m and v. */
public record AdamW(
        Tensor parameter,
        Tensor gradient,
        Tensor m,
        Tensor v,
        Tensor gradientScale,
        Tensor schedule,
        float beta1,
        float beta2,
        float epsilon,
        float weightDecay)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(gradient, gradientScale, schedule);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(parameter, m, v);
    }

    @Override
    public AdamW with(Substitution change) {
        return new AdamW(change.of(parameter), change.of(gradient), change.of(m), change.of(v), change.of(gradientScale),
                change.of(schedule), beta1, beta2, epsilon, weightDecay);
    }
}
