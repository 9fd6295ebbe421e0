package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradient of {@link Route}'s weights to the logits; the choice is a constant. */
public record RouteBackward(
        Tensor dWeights, Tensor logits, Tensor indices, Tensor dLogits, Routing routing, boolean accumulate) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dWeights, logits, indices);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dLogits);
    }

    @Override
    public RouteBackward with(Substitution change) {
        return new RouteBackward(change.of(dWeights), change.of(logits), change.of(indices), change.of(dLogits), routing, accumulate);
    }
}
