package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * How a router distributed tokens.
 *
 * @param logits [rows, experts]
 * @param indices [rows, topK] int32
 * @param inverse [rows, topK] int32, -1 where an assignment was dropped
 * @param tokenWeights [rows] float32, such as 0 for padding, or null for 1
 * @param statistics [experts + 3] float32: assignments of each expert, dropped ones too; the tokens' entropies together, in
 *     nats; assignments dropped; tokens
 */
public record RouterStatistics(
        Tensor logits, Tensor indices, Tensor inverse, Tensor tokenWeights, Tensor statistics, RouterScoring scoring) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(logits, indices, inverse, tokenWeights);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(statistics);
    }

    @Override
    public RouterStatistics with(Substitution change) {
        return new RouterStatistics(change.of(logits), change.of(indices), change.of(inverse), change.of(tokenWeights),
                change.of(statistics), scoring);
    }
}
