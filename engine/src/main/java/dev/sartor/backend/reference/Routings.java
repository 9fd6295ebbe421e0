package dev.sartor.backend.reference;

import dev.sartor.device.kernel.GroupScore;
import dev.sartor.device.kernel.Route;
import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.RouterScoring;
import dev.sartor.device.kernel.Routing;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Top-k routing and the gradient of its weights. */
final class Routings {
    private Routings() {}

    static void forward(Route k, Operands use) {
        int experts = use.size(k.logits().shape().last());
        int rows = use.rows("logits", k.logits(), experts);
        var routing = k.routing();
        int topK = routing.topK();
        double[] logits = use.read("logits", k.logits());
        double[] bias = use.readOptional("correctionBias", k.correctionBias(), experts);
        var indices = new int[rows * topK];
        var weights = new double[rows * topK];
        for (int t = 0; t < rows; t++) {
            double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
            double[] scores = scores(routing.scoring(), row);
            int[] chosen = choose(routing, row, scores, bias);
            double[] weighed = weights(routing, row, scores, chosen);
            for (int j = 0; j < topK; j++) {
                indices[t * topK + j] = chosen[j];
                weights[t * topK + j] = routing.routedScalingFactor() * weighed[j];
            }
        }
        use.writeInts("indices", k.indices(), indices);
        use.write("weights", k.weights(), weights);
    }

    static void backward(RouteBackward k, Operands use) {
        int experts = use.size(k.logits().shape().last());
        int rows = use.rows("logits", k.logits(), experts);
        var routing = k.routing();
        int topK = routing.topK();
        double[] logits = use.read("logits", k.logits());
        double[] dWeights = use.read("dWeights", k.dWeights(), (long) rows * topK);
        int[] indices = use.readIndices("indices", k.indices(), (long) rows * topK, experts);
        var dLogits = new double[rows * experts];
        for (int t = 0; t < rows; t++) {
            double[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
            double[] scores = scores(routing.scoring(), row);
            int[] chosen = Arrays.copyOfRange(indices, t * topK, (t + 1) * topK);
            double[] weights = weights(routing, row, scores, chosen);
            double sum = epsilon(routing);
            double mean = 0;
            for (int j = 0; j < topK; j++) {
                sum += scores[chosen[j]];
                mean += weights[j] * dWeights[t * topK + j];
            }
            var dScores = new double[experts];
            for (int j = 0; j < topK; j++) {
                double d = routing.routedScalingFactor() * dWeights[t * topK + j];
                dScores[chosen[j]] = routing.normTopkProb() ? (d - routing.routedScalingFactor() * mean) / sum : d;
            }
            double through = 0;
            for (int e = 0; e < experts; e++) {
                through += scores[e] * dScores[e];
            }
            for (int e = 0; e < experts; e++) {
                dLogits[t * experts + e] = scores[e]
                        * (routing.scoring() == RouterScoring.SIGMOID ? dScores[e] * (1 - scores[e]) : dScores[e] - through);
            }
        }
        use.write("dLogits", k.dLogits(), dLogits, k.accumulate());
    }

    static double[] scores(RouterScoring scoring, double[] logits) {
        if (scoring == RouterScoring.SIGMOID) {
            return Arrays.stream(logits).map(x -> 1 / (1 + Math.exp(-x))).toArray();
        }
        double largest = Arrays.stream(logits).filter(x -> !Double.isNaN(x)).max().orElse(0);
        double[] powers = Arrays.stream(logits).map(x -> Math.exp(x - largest)).toArray();
        double sum = Arrays.stream(powers).sum();
        return Arrays.stream(powers).map(x -> x / sum).toArray();
    }

    /** Without routed_scaling_factor. */
    private static double[] weights(Routing routing, double[] logits, double[] scores, int[] chosen) {
        double[] weights = Arrays.stream(chosen).mapToDouble(e -> scores[e]).toArray();
        if (!routing.normTopkProb()) {
            return weights;
        }
        if (routing.scoring() == RouterScoring.SOFTMAX) {
            return scores(routing.scoring(), Arrays.stream(chosen).mapToDouble(e -> logits[e]).toArray());
        }
        double sum = Arrays.stream(weights).sum() + epsilon(routing);
        return Arrays.stream(weights).map(w -> w / sum).toArray();
    }

    private static double epsilon(Routing routing) {
        return routing.scoring() == RouterScoring.SIGMOID ? 1e-20 : 0;
    }

    private static int[] choose(Routing routing, double[] logits, double[] scores, double[] bias) {
        int experts = logits.length;
        boolean sums = routing.nGroup() > 1 && routing.groupScore() == GroupScore.TOP2_SUM;
        double[] keys = bias == null && !sums ? logits : scores.clone();
        for (int e = 0; bias != null && e < experts; e++) {
            keys[e] += bias[e];
        }
        int size = experts / routing.nGroup();
        var groups = new double[routing.nGroup()];
        for (int g = 0; g < groups.length; g++) {
            double[] best = Arrays.stream(keys, g * size, (g + 1) * size).map(Routings::ordered).sorted().toArray();
            groups[g] = sums ? best[size - 1] + best[size - 2] : best[size - 1];
        }
        int[] kept = best(groups, routing.topkGroup());
        int[] candidates = IntStream.range(0, experts)
                .filter(e -> Arrays.stream(kept).anyMatch(g -> g == e / size))
                .toArray();
        return best(keys, candidates, routing.topK());
    }

    /** The indices of the largest keys; of equal ones the lower. */
    static int[] best(double[] keys, int count) {
        return best(keys, IntStream.range(0, keys.length).toArray(), count);
    }

    /** The candidates with the largest keys; of equal ones the lower index. */
    private static int[] best(double[] keys, int[] candidates, int count) {
        return Arrays.stream(candidates)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -ordered(keys[i])))
                .mapToInt(i -> i)
                .limit(count)
                .toArray();
    }

    /** NaN last, and one zero. */
    private static double ordered(double key) {
        return Double.isNaN(key) ? Double.NEGATIVE_INFINITY : key + 0.0;
    }
}
