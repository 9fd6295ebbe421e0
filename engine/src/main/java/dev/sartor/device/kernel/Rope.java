package dev.sartor.device.kernel;

import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Rotary embedding of heads of headDim elements, or with inverse its gradient. cosine and sine:
 * [positions, rotaryDim / 2].
 */
public record Rope(
        Columns x,
        Columns y,
        Tensor cosine,
        Tensor sine,
        Tensor positions,
        int headDim,
        boolean interleaved,
        boolean inverse,
        boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x.matrix(), cosine, sine, positions);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y.matrix());
    }

    @Override
    public Rope with(Substitution change) {
        return new Rope(change.of(x), change.of(y), change.of(cosine), change.of(sine), change.of(positions), headDim,
                interleaved, inverse, accumulate);
    }
}
