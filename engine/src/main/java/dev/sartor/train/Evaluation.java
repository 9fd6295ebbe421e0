package dev.sartor.train;

import dev.sartor.data.Batch;
import java.util.List;

/**
 * Loss of a model on held-out data.
 *
 * @param loss mean cross-entropy of the learned tokens, in nats; routers' losses are no part of it
 * @param tokens how many tokens that is
 */
public record Evaluation(double loss, long tokens) {
    public double perplexity() {
        return Math.exp(loss);
    }

    /**
     * Evaluates batches.
     *
     * @throws IllegalArgumentException if the batches have nothing that is learned
     */
    public static Evaluation of(Programs programs, List<Batch> batches) {
        double sum = 0;
        long tokens = 0;
        for (var batch : batches) {
            sum += programs.evaluation(batch).run(batch, 1).sum();
            tokens += batch.learnedTokens();
        }
        if (tokens == 0) {
            throw new IllegalArgumentException("nothing to evaluate: no token of the data is learned");
        }
        return new Evaluation(sum / tokens, tokens);
    }
}
