package dev.sartor.train;

import dev.sartor.data.Batch;
import java.util.Arrays;

/** Batches as Transformers' models take them: ids, a mask, and labels that are not shifted. */
public final class TransformersBatch {
    private TransformersBatch() {}

    /**
     * @param ids [rows * length]
     * @param mask 1 for tokens, 0 for padding before or after them
     * @param labels the tokens themselves where they are learned, else negative
     * @param window the model's sliding window, or 0; it only decides what padding sees
     * @throws IllegalArgumentException if a row's tokens are not in one piece
     */
    public static Batch of(int rows, int length, int[] ids, int[] mask, int[] labels, int window) {
        int[] targets = new int[ids.length];
        int[] positions = new int[ids.length];
        int[] keyBegin = new int[ids.length];
        int[] keyEnd = new int[ids.length];
        long learned = 0;
        for (int row = 0; row < rows; row++) {
            int start = row * length;
            int first = 0;
            while (first < length && mask[start + first] == 0) {
                first++;
            }
            int end = first;
            while (end < length && mask[start + end] != 0) {
                end++;
            }
            for (int i = end; i < length; i++) {
                if (mask[start + i] != 0) {
                    throw new IllegalArgumentException("attention_mask: row " + row + " has padding between tokens, at "
                            + end + "; expected all its tokens in one piece");
                }
            }
            for (int i = 0; i < length; i++) {
                int at = start + i;
                positions[at] = i;
                keyEnd[at] = Math.min(i + 1, end);
                keyBegin[at] = Math.min(Math.max(first, window == 0 ? 0 : i + 1 - window), keyEnd[at]);
                targets[at] = i + 1 < length ? labels[at + 1] : -100;
                learned += targets[at] >= 0 ? 1 : 0;
            }
        }
        return new Batch(rows, length, ids, targets, positions, keyBegin, keyEnd, mask, learned);
    }

    /** Whole rows of tokens, every one learned. */
    public static Batch full(int rows, int length, int[] ids) {
        int[] mask = new int[ids.length];
        Arrays.fill(mask, 1);
        return of(rows, length, ids, mask, ids, 0);
    }
}
