package dev.sartor.train;

/**
 * Losses of a model's routers.
 *
 * @param auxLoss the load-balancing loss, without its coefficient
 * @param zLoss without its coefficient
 * @param weighted both with their coefficients: what is added to the mean cross-entropy
 */
public record RouterLoss(double auxLoss, double zLoss, double weighted) {
    static final RouterLoss NONE = new RouterLoss(0, 0, 0);

    RouterLoss plus(RouterLoss other) {
        return new RouterLoss(auxLoss + other.auxLoss, zLoss + other.zLoss, weighted + other.weighted);
    }

    RouterLoss times(double factor) {
        return new RouterLoss(factor * auxLoss, factor * zLoss, factor * weighted);
    }
}
