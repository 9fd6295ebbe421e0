package dev.sartor.contract;

import java.util.Arrays;
import java.util.Random;

/** How tokens are spread over experts. */
enum Skew {
    UNIFORM,
    /** Expert e with a chance in proportion to 1 / (e + 1). */
    ZIPF,
    /** Every token's first choice is the last expert. */
    ALL_TO_ONE,
    /** Every other expert has no token. */
    EMPTY_EXPERTS;

    /** [tokens, topK]: different experts for each token. */
    int[] indices(int tokens, int experts, int topK) {
        var random = new Random(20261124);
        var indices = new int[tokens * topK];
        for (int t = 0; t < tokens; t++) {
            var weights = new double[experts];
            for (int e = 0; e < experts; e++) {
                weights[e] = switch (this) {
                    case UNIFORM -> 1;
                    case ZIPF -> 1.0 / (e + 1);
                    case ALL_TO_ONE -> e == experts - 1 ? 1e9 : 1;
                    case EMPTY_EXPERTS -> e % 2 == 0 && experts / 2 >= topK ? 1e-12 : 1;
                };
            }
            for (int j = 0; j < topK; j++) {
                double at = random.nextDouble() * Arrays.stream(weights).sum();
                int e = 0;
                while (e < experts - 1 && (at >= weights[e] || weights[e] == 0)) {
                    at -= weights[e++];
                }
                while (weights[e] == 0) {
                    e--;
                }
                indices[t * topK + j] = e;
                weights[e] = 0;
            }
        }
        return indices;
    }

    /** The order of their rows, as the oracle's Dispatch has it. */
    record Rows(int[] offsets, int[] permutation, int[] inverse) {}

    static Rows rows(int[] indices, int experts, long capacity) {
        var offsets = new int[experts + 1];
        var permutation = new int[indices.length];
        var inverse = new int[indices.length];
        Arrays.fill(permutation, -1);
        Arrays.fill(inverse, -1);
        int row = 0;
        for (int e = 0; e < experts; e++) {
            for (int a = 0; a < indices.length; a++) {
                if (indices[a] == e && (capacity == 0 || row - offsets[e] < capacity)) {
                    permutation[row] = a;
                    inverse[a] = row++;
                }
            }
            offsets[e + 1] = row;
        }
        return new Rows(offsets, permutation, inverse);
    }
}
