package dev.sartor.bench;

import java.util.Arrays;

/**
 * A mixture of experts: each an FFN with a gate.
 *
 * @param hidden features of a token
 * @param ffn features between the two layers of an expert
 */
public record ExpertSizes(int tokens, int experts, int topK, long hidden, long ffn) {
    /** @param layer experts, top k, hidden, FFN, such as {@code 8x2x1024x3584} */
    public static ExpertSizes of(int tokens, String layer) {
        int[] sizes = Arrays.stream(layer.split("x")).mapToInt(Integer::parseInt).toArray();
        return new ExpertSizes(tokens, sizes[0], sizes[1], sizes[2], sizes[3]);
    }

    /** What the experts compute on together. */
    public int rows() {
        return tokens * topK;
    }

    /** Of all products with gate, up and down in one direction. */
    public double flops() {
        return 6.0 * rows() * hidden * ffn;
    }
}
