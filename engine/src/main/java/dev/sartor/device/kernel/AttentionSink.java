package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * One more score for each head, whose value is 0 (Xiao et al. 2023; GPT-OSS): corrects what {@link Attention} made.
 *
 * @param o [batch * queries, heads * headDim], in place
 * @param logSumExp [batch, heads, queries] float32, in place
 * @param sinks [heads] float32
 */
public record AttentionSink(Tensor o, Tensor logSumExp, Tensor sinks) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(o, logSumExp, sinks);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(o, logSumExp);
    }

    @Override
    public AttentionSink with(Substitution change) {
        return new AttentionSink(change.of(o), change.of(logSumExp), change.of(sinks));
    }
}
