package dev.sartor.bench;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** How tokens are spread over experts. */
public enum Skew {
    UNIFORM,
    /** Expert e with a chance in proportion to 1 / (e + 1). */
    ZIPF,
    /** Every token's first choice is expert 0; the others share the rest. */
    ALL_TO_ONE;

    private static final long SEED = 4;
    /** Nothing drawn from a router's other logits reaches it. */
    private static final float FIRST = 100;

    /** What is added to a router's logits [experts] so that it chooses like this. */
    public float[] bias(int experts) {
        var bias = new float[experts];
        for (int e = 0; e < experts; e++) {
            bias[e] = switch (this) {
                case UNIFORM -> 0;
                case ZIPF -> (float) -Math.log(e + 1);
                case ALL_TO_ONE -> e == 0 ? FIRST : 0;
            };
        }
        return bias;
    }

    /** Different experts for each token [tokens, topK], drawn in proportion to exp(bias), the first one first. */
    public int[] indices(int tokens, int experts, int topK) {
        var random = new SplittableRandom(SEED);
        var bias = bias(experts);
        var indices = new int[tokens * topK];
        for (int t = 0; t < tokens; t++) {
            // The largest of biases with Gumbel noise are such a draw (Kool, van Hoof and Welling 2019).
            var keys = new double[experts];
            Arrays.setAll(keys, e -> bias[e] - Math.log(-Math.log(random.nextDouble(Double.MIN_NORMAL, 1))));
            var order = IntStream.range(0, experts).boxed().sorted((a, b) -> Double.compare(keys[b], keys[a])).toList();
            for (int j = 0; j < topK; j++) {
                indices[t * topK + j] = order.get(j);
            }
        }
        return indices;
    }
}
