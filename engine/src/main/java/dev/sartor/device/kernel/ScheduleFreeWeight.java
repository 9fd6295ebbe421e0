package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * How much schedule-free's newest iterate weighs in the average.
 *
 * @param state two float64: the highest learning rate so far, and the sum of weights
 * @param weight one float32
 */
public record ScheduleFreeWeight(
        Tensor schedule,
        Tensor state,
        Tensor weight,
        float r,
        float weightLrPower)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(schedule);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(state, weight);
    }

    @Override
    public ScheduleFreeWeight with(Substitution change) {
        return new ScheduleFreeWeight(change.of(schedule), change.of(state), change.of(weight), r, weightLrPower);
    }
}
