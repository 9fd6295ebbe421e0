package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** One token per row of logits [rows, vocabulary]. */
public record Sample(
        Tensor logits,
        Tensor tokens,
        Tensor logProbs,
        Tensor rng,
        float temperature,
        float topP,
        int topK)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(logits, rng);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(tokens, logProbs);
    }

    @Override
    public Sample with(Substitution change) {
        return new Sample(change.of(logits), change.of(tokens), change.of(logProbs), change.of(rng), temperature, topP, topK);
    }
}
