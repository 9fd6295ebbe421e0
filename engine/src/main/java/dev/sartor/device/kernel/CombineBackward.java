package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link Combine}; dy or dWeights may be null, and y is without dWeights. Both are written. */
public record CombineBackward(Tensor dOut, Tensor y, Tensor weights, Tensor inverse, Tensor dy, Tensor dWeights)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dOut, y, weights, inverse);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dy, dWeights);
    }

    @Override
    public CombineBackward with(Substitution change) {
        return new CombineBackward(change.of(dOut), change.of(y), change.of(weights), change.of(inverse), change.of(dy),
                change.of(dWeights));
    }
}
