package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** One Lion step on parameter and m; gradientScale or null. */
public record Lion(
        Tensor parameter,
        Tensor gradient,
        Tensor m,
        Tensor gradientScale,
        Tensor schedule,
        float beta1,
        float beta2,
        float weightDecay)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(gradient, gradientScale, schedule);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(parameter, m);
    }

    @Override
    public Lion with(Substitution change) {
        return new Lion(change.of(parameter), change.of(gradient), change.of(m), change.of(gradientScale), change.of(schedule),
                beta1, beta2, weightDecay);
    }
}
