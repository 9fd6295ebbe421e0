package dev.sartor.device.kernel;

import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** Softmax attention over the key range [keyBegin, keyEnd) of each query; see sartor_ops.h. */
public record Attention(
        Columns q,
        Columns k,
        Columns v,
        Tensor o,
        Tensor logSumExp,
        Tensor keyBegin,
        Tensor keyEnd,
        int headDim,
        int window,
        float scale,
        float softcap)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(q.matrix(), k.matrix(), v.matrix(), keyBegin, keyEnd);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(o, logSumExp);
    }

    @Override
    public Attention with(Substitution change) {
        return new Attention(change.of(q), change.of(k), change.of(v), change.of(o), change.of(logSumExp), change.of(keyBegin),
                change.of(keyEnd), headDim, window, scale, softcap);
    }
}
