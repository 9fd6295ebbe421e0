package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.nn.TokenInputs;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

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

    /** Copies all but the targets to a device. */
    public void write(Device device, TokenInputs inputs) {
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, ids), inputs.ids());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, positions), inputs.positions());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, keyBegin), inputs.keyBegin());
            device.write(arena.allocateFrom(ValueLayout.JAVA_INT, keyEnd), inputs.keyEnd());
        }
    }

    /**
     * A batch as Transformers takes it.
     *
     * @param mask 1 for tokens, 0 for padding before or after them
     * @param labels the tokens themselves where they are learned, else negative: shifted here
     * @param window the model's sliding window, or 0; it only decides what padding sees
     * @throws IllegalArgumentException if a row's tokens are not in one piece
     */
    public static TokenBatch padded(int rows, int length, int[] ids, int[] mask, int[] labels, int window) {
        int tokens = rows * length;
        var batch = new TokenBatch(rows, length, ids, new int[tokens], new int[tokens], new int[tokens], new int[tokens]);
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
                batch.positions[start + i] = i;
                batch.keyEnd[start + i] = Math.min(i + 1, end);
                batch.keyBegin[start + i] = Math.min(
                        Math.max(first, window == 0 ? 0 : i + 1 - window), batch.keyEnd[start + i]);
                batch.targets[start + i] = i + 1 < length ? labels[start + i + 1] : -100;
            }
        }
        return batch;
    }
}
