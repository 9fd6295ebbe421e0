package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** out (+)= sum of x * weights. */
public record WeightedSum(Tensor x, Tensor weights, Tensor out, boolean accumulate)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(x, weights);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(out);
    }

    @Override
    public WeightedSum with(Substitution change) {
        return new WeightedSum(change.of(x), change.of(weights), change.of(out), accumulate);
    }
}
