package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Top-k routing in one pass: experts' indices and weights from a router's logits.
 *
 * @param logits [rows, experts]
 * @param correctionBias [experts], added to the scores for the choice only, or null
 * @param indices [rows, topK] int32, the best first, of equal ones the lower
 * @param weights [rows, topK] float32
 */
public record Route(Tensor logits, Tensor correctionBias, Tensor indices, Tensor weights, Routing routing) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(logits, correctionBias);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(indices, weights);
    }

    @Override
    public Route with(Substitution change) {
        return new Route(change.of(logits), change.of(correctionBias), change.of(indices), change.of(weights), routing);
    }
}
