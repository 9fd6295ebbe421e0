package dev.sartor.data;

/**
 * The lengths that batches are padded to. Each is a multiple of {@code pad_to_multiple_of}; beyond eight
 * multiples there are at most eight to a doubling, so that data of all lengths up to 2048 need 32 compiled
 * steps at most (with multiples of 32), and padding adds no more than an eighth.
 *
 * @param multiple {@code pad_to_multiple_of}
 */
public record Buckets(int multiple) {
    private static final int TO_A_DOUBLING = 8;

    public Buckets {
        if (multiple < 1) {
            throw new IllegalArgumentException("pad_to_multiple_of must be at least 1, found " + multiple);
        }
    }

    /** The shortest length of the buckets that holds so many tokens; at least one multiple. */
    public int round(int tokens) {
        int length = Math.max(tokens, 1);
        int wanted = Integer.highestOneBit(Math.max(length - 1, 1)) / TO_A_DOUBLING;
        int step = Math.max(1, wanted / multiple) * multiple;
        return Math.multiplyExact(Math.ceilDiv(length, step), step);
    }
}
