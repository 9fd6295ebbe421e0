package dev.sartor.backend.reference;

import dev.sartor.device.kernel.RouterLosses;
import dev.sartor.device.kernel.RouterStatistics;
import java.util.Arrays;

/** Load-balancing loss and z-loss of all layers' routers, and how they distributed tokens. */
final class RouterLoss {
    private RouterLoss() {}

    static void losses(RouterLosses k, Operands use) {
        int experts = use.size(k.layers().getFirst().logits().shape().last());
        int rows = use.rows("logits", k.layers().getFirst().logits(), experts);
        double[] tokenWeights = use.readOptional("tokenWeights", k.tokenWeights(), rows);
        double scale = k.scale() == null ? 1 : use.read("scale", k.scale(), 1)[0];
        var counts = new double[experts];
        var probabilities = new double[experts];
        double total = 0;
        double squares = 0;
        for (var layer : k.layers()) {
            double[] logits = use.read("logits", layer.logits(), (long) rows * experts);
            for (int t = 0; t < rows; t++) {
                double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
                double weight = tokenWeights == null ? 1 : tokenWeights[t];
                double logSum = logSum(row);
                total += weight;
                squares += weight * logSum * logSum;
                for (int e : Routings.best(row, k.topK())) {
                    counts[e] += weight;
                }
                for (int e = 0; e < experts; e++) {
                    probabilities[e] += weight * Math.exp(row[e] - logSum);
                }
            }
        }
        double balance = 0;
        for (int e = 0; total > 0 && e < experts; e++) {
            balance += experts * counts[e] / total * probabilities[e] / total;
        }
        use.write("losses", k.losses(), new double[] {balance, total > 0 ? squares / total : 0});
        for (var layer : k.layers()) {
            double[] logits = use.read("logits", layer.logits());
            var gradient = new double[rows * experts];
            for (int t = 0; total > 0 && t < rows; t++) {
                double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
                double weight = scale * (tokenWeights == null ? 1 : tokenWeights[t]);
                double logSum = logSum(row);
                double mean = 0;
                for (int e = 0; e < experts; e++) {
                    mean += Math.exp(row[e] - logSum) * experts * counts[e] / (total * total);
                }
                for (int e = 0; e < experts; e++) {
                    double own = experts * counts[e] / (total * total);
                    gradient[t * experts + e] = weight * Math.exp(row[e] - logSum)
                            * (k.auxLossCoef() * (own - mean) + k.zLossCoef() * 2 * logSum / total);
                }
            }
            use.write("dLogits", layer.dLogits(), gradient, false);
        }
    }

    static void statistics(RouterStatistics k, Operands use) {
        int experts = use.size(k.logits().shape().last());
        int rows = use.rows("logits", k.logits(), experts);
        int topK = use.size(k.indices().shape().last());
        double[] logits = use.read("logits", k.logits());
        double[] tokenWeights = use.readOptional("tokenWeights", k.tokenWeights(), rows);
        int[] indices = use.readIndices("indices", k.indices(), (long) rows * topK, experts);
        int[] inverse = use.readInts("inverse", k.inverse(), (long) rows * topK);
        var statistics = new double[experts + 3];
        for (int t = 0; t < rows; t++) {
            double weight = tokenWeights == null ? 1 : tokenWeights[t];
            double[] scores = Routings.scores(k.scoring(), Arrays.copyOfRange(logits, t * experts, (t + 1) * experts));
            double sum = Arrays.stream(scores).sum();
            for (int a = t * topK; a < (t + 1) * topK; a++) {
                statistics[indices[a]] += weight;
                statistics[experts + 1] += inverse[a] < 0 ? weight : 0;
            }
            statistics[experts] -= weight * Arrays.stream(scores).map(s -> s == 0 ? 0 : s / sum * Math.log(s / sum)).sum();
            statistics[experts + 2] += weight;
        }
        use.write("statistics", k.statistics(), statistics);
    }

    private static double logSum(double[] logits) {
        double largest = Arrays.stream(logits).max().orElseThrow();
        return largest + Math.log(Arrays.stream(logits).map(x -> Math.exp(x - largest)).sum());
    }
}
