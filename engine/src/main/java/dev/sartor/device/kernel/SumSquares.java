package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** out (+)= sum of squares of x; out is one float64. */
public record SumSquares(Tensor x, Tensor out, boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(out);
    }

    @Override
    public SumSquares with(Substitution change) {
        return new SumSquares(change.of(x), change.of(out), accumulate);
    }
}
