package dev.sartor.train;

/**
 * What a step reads, each array [rows * length].
 *
 * @param targets the token to be predicted at each place; negative where nothing is learned
 * @param keyBegin first key of the row that a token attends to
 * @param keyEnd one past the last
 */
public record TokenBatch(
        int rows, int length, int[] ids, int[] positions, int[] keyBegin, int[] keyEnd, int[] targets) {
    public TokenBatch {
        int tokens = Math.multiplyExact(rows, length);
        for (var array : new int[][] {ids, positions, keyBegin, keyEnd, targets}) {
            if (array.length != tokens) {
                throw new IllegalArgumentException("a batch of " + rows + " x " + length + " has arrays of " + array.length);
            }
        }
    }

    /** Tokens that are learned. */
    public long learned() {
        long learned = 0;
        for (int target : targets) {
            learned += target >= 0 ? 1 : 0;
        }
        return learned;
    }
}
