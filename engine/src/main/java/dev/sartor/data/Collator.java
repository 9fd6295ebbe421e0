package dev.sartor.data;

import java.util.Arrays;
import java.util.List;

/**
 * Lays rows of samples out as a {@link Batch}: one sample behind another from the left, padding on the right.
 *
 * @param padId    the id at padding
 * @param multiple {@code pad_to_multiple_of}: the batch's length is its longest row rounded up to one of {@link Buckets}
 * @param length   a fixed length instead, so that one compiled step serves all batches; 0 for none
 */
public record Collator(int padId, int multiple, int length) {

    public Collator {
        if (multiple < 1 || length < 0 || padId < 0) {
            throw new IllegalArgumentException("pad_to_multiple_of must be at least 1, length and padding id not negative; found "
                    + multiple + ", " + length + ", " + padId);
        }
    }

    /** Batches as long as their longest row, rounded up. */
    public static Collator toMultiple(int padId, int multiple) {
        return new Collator(padId, multiple, 0);
    }

    /** Batches that are all equally long. */
    public static Collator toLength(int padId, int length) {
        return new Collator(padId, 1, length);
    }

    /**
     * @param packed for each row the samples in it
     * @param rows   rows of the batch; those beyond {@code packed} are all padding
     * @throws IllegalArgumentException if a row does not fit a fixed length, or there are too many
     */
    public Batch collate(List<List<Sample>> packed, int rows) {
        if (packed.size() > rows) {
            throw new IllegalArgumentException(packed.size() + " rows do not fit a batch of " + rows);
        }
        int longest = packed.stream().mapToInt(Collator::tokens).max().orElse(0);
        int width = length > 0 ? length : new Buckets(multiple).round(longest);
        if (longest > width) {
            throw new IllegalArgumentException("a row of " + longest + " tokens does not fit the batch's length " + width);
        }
        int size = Math.multiplyExact(rows, width);
        int[] ids = new int[size];
        int[] targets = new int[size];
        int[] positions = new int[size];
        int[] keyBegin = new int[size];
        int[] keyEnd = new int[size];
        int[] mask = new int[size];
        Arrays.fill(ids, padId);
        Arrays.fill(targets, Sample.IGNORED);
        long learned = 0;
        for (int row = 0; row < packed.size(); row++) {
            int begin = 0;
            for (Sample sample : packed.get(row)) {
                for (int i = 0; i < sample.length(); i++) {
                    int at = row * width + begin + i;
                    ids[at] = sample.ids()[i];
                    positions[at] = i;
                    mask[at] = 1;
                    keyBegin[at] = begin;
                    keyEnd[at] = begin + i + 1;
                    if (i + 1 < sample.length() && sample.labels()[i + 1] != Sample.IGNORED) {
                        targets[at] = sample.labels()[i + 1];
                        learned++;
                    }
                }
                begin += sample.length();
            }
        }
        return new Batch(rows, width, ids, targets, positions, keyBegin, keyEnd, mask, learned);
    }

    private static int tokens(List<Sample> row) {
        return row.stream().mapToInt(Sample::length).sum();
    }
}
