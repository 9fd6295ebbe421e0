package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** parameter = parameter (1 - learning rate * weightDecay) - learning rate * ratio * direction. */
public record MuonUpdate(
        Tensor parameter,
        Tensor direction,
        Tensor schedule,
        float ratio,
        float weightDecay)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(direction, schedule);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(parameter);
    }

    @Override
    public MuonUpdate with(Substitution change) {
        return new MuonUpdate(change.of(parameter), change.of(direction), change.of(schedule), ratio, weightDecay);
    }
}
