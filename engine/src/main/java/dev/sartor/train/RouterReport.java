package dev.sartor.train;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What a model's routers did, and their losses.
 *
 * @param auxLoss the load-balancing loss, without its coefficient; 0 where there is none
 * @param zLoss without its coefficient; 0 where there is none
 * @param weighted both with their coefficients: what is added to the mean cross-entropy
 * @param layers in training, each mixture's load; else none
 */
public record RouterReport(double auxLoss, double zLoss, double weighted, List<ExpertLoad> layers) {
    static final RouterReport NONE = new RouterReport(0, 0, 0, List.of());

    public RouterReport {
        layers = List.copyOf(layers);
    }

    /** Losses and loads together. */
    RouterReport plus(RouterReport other) {
        var together = layers.isEmpty() ? other.layers : other.layers.isEmpty() ? layers
                : IntStream.range(0, layers.size()).mapToObj(i -> layers.get(i).plus(other.layers.get(i))).toList();
        return new RouterReport(auxLoss + other.auxLoss, zLoss + other.zLoss, weighted + other.weighted, together);
    }

    /** Losses times a factor, loads as they are. */
    RouterReport lossesTimes(double factor) {
        return new RouterReport(factor * auxLoss, factor * zLoss, factor * weighted, layers);
    }
}
