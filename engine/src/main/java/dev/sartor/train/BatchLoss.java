package dev.sartor.train;

/**
 * Losses of a batch.
 *
 * @param sum the learned tokens' cross-entropies together, in nats
 * @param routers what the routers did; nothing where the model has none
 */
public record BatchLoss(double sum, RouterReport routers) {
    /** @param learnedTokens of the batch */
    public double mean(long learnedTokens) {
        return sum / learnedTokens + routers.weighted();
    }
}
