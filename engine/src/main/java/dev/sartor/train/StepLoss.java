package dev.sartor.train;

/**
 * Losses of some steps together.
 *
 * @param sum the learned tokens' cross-entropies, in nats
 * @param routersSum the routers' losses of each step, summed
 */
record StepLoss(double sum, long learnedTokens, RouterLoss routersSum, int steps) {
    static final StepLoss NONE = new StepLoss(0, 0, RouterLoss.NONE, 0);

    StepLoss plus(StepLoss other) {
        return new StepLoss(sum + other.sum, learnedTokens + other.learnedTokens, routersSum.plus(other.routersSum), steps + other.steps);
    }

    /** The routers' losses of a step, on average. */
    RouterLoss routers() {
        return steps == 0 ? RouterLoss.NONE : routersSum.times(1.0 / steps);
    }

    /** The loss that is trained: each learned token weighs the same, and each step's routers do. */
    double mean() {
        return sum / learnedTokens + routers().weighted();
    }
}
