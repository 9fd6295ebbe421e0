package dev.sartor.device.kernel;

import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link Attention}, written. */
public record AttentionBackward(
        Tensor dO,
        Columns q,
        Columns k,
        Columns v,
        Tensor o,
        Tensor logSumExp,
        Tensor keyBegin,
        Tensor keyEnd,
        Columns dq,
        Columns dk,
        Columns dv,
        int headDim,
        int window,
        float scale,
        float softcap)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dO, q.matrix(), k.matrix(), v.matrix(), o, logSumExp, keyBegin, keyEnd);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dq.matrix(), dk.matrix(), dv.matrix());
    }

    @Override
    public AttentionBackward with(Substitution change) {
        return new AttentionBackward(change.of(dO), change.of(q), change.of(k), change.of(v), change.of(o),
                change.of(logSumExp), change.of(keyBegin), change.of(keyEnd), change.of(dq), change.of(dk), change.of(dv),
                headDim, window, scale, softcap);
    }
}
