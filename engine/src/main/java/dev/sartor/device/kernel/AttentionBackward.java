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
}
