package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Gradient of {@link AttentionSink}'s scores, added to.
 *
 * @param dO as o
 * @param o as the sink left it, as logSumExp
 * @param dSinks [heads] float32
 */
public record AttentionSinkBackward(Tensor dO, Tensor o, Tensor logSumExp, Tensor sinks, Tensor dSinks) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dO, o, logSumExp, sinks);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dSinks);
    }

    @Override
    public AttentionSinkBackward with(Substitution change) {
        return new AttentionSinkBackward(change.of(dO), change.of(o), change.of(logSumExp), change.of(sinks), change.of(dSinks));
    }
}
