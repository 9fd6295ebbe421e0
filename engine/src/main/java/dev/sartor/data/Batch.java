package dev.sartor.data;

/**
 * Rows of samples, ready for a step. Every array is [rows * length], row-major.
 *
 * @param rows          rows
 * @param length        tokens of a row, padding included
 * @param inputIds      token ids; the padding id where there is no token
 * @param targets       the id to be predicted at each place, that is the label of the next place in the same sample;
 *                      {@link Sample#IGNORED} where nothing is learned
 * @param positions     place within the sample, from 0; 0 for padding
 * @param keyBegin      first place of the row that each place attends to
 * @param keyEnd        one past the last: causal, so the place after itself; equal to {@code keyBegin} for padding
 * @param attentionMask 1 for tokens, 0 for padding
 * @param learnedTokens how many targets are not ignored
 */
public record Batch(int rows, int length, int[] inputIds, int[] targets, int[] positions, int[] keyBegin, int[] keyEnd,
        int[] attentionMask, long learnedTokens) {

    public Batch {
        int tokens = Math.multiplyExact(rows, length);
        for (int[] array : new int[][] {inputIds, targets, positions, keyBegin, keyEnd, attentionMask}) {
            if (array.length != tokens) {
                throw new IllegalArgumentException("a batch of " + rows + " x " + length + " has an array of " + array.length);
            }
        }
    }
}
