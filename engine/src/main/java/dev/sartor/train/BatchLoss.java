package dev.sartor.train;

/**
 * Losses of a batch.
 *
 * @param sum the learned tokens' cross-entropies together, in nats
 * @param routers losses of the routers; zeros where the model has none, or none is asked for
 */
public record BatchLoss(double sum, RouterLoss routers) {
    /** @param learnedTokens of the batch */
    public double mean(long learnedTokens) {
        return sum / learnedTokens + routers.weighted();
    }
}
