package dev.sartor.data;

/**
 * A random order of the numbers below {@code size} that needs no memory and can be read at any place: a eight-round Feistel
 * network over the next power of four, stepped until it lands within. The same size, seed and epoch always give the same
 * order.
 *
 * @see <a href="https://en.wikipedia.org/wiki/Feistel_cipher">Feistel cipher</a>
 */
public final class Permutation {

    private static final int ROUNDS = 8;

    private final long size;
    private final int halfBits;
    private final long[] keys = new long[ROUNDS];

    public Permutation(long size, long seed, long epoch) {
        if (size < 1) {
            throw new IllegalArgumentException("a permutation needs at least one element, given " + size);
        }
        this.size = size;
        this.halfBits = Math.max(1, (64 - Long.numberOfLeadingZeros(size - 1) + 1) / 2);
        long state = mix(seed) ^ mix(epoch + 0x632be59bd9b4e019L);
        for (int i = 0; i < ROUNDS; i++) {
            state += 0x9e3779b97f4a7c15L;
            keys[i] = mix(state);
        }
    }

    /** The number at a place, both from 0 to below size. */
    public long at(long place) {
        if (place < 0 || place >= size) {
            throw new IndexOutOfBoundsException("place " + place + " of " + size);
        }
        long value = place;
        do {
            value = permuted(value);
        } while (value >= size);
        return value;
    }

    private long permuted(long value) {
        long mask = (1L << halfBits) - 1;
        long left = value >>> halfBits;
        long right = value & mask;
        for (long key : keys) {
            long next = left ^ (mix(right + key) & mask);
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }

    /** SplitMix64's finalizer (Steele, Lea and Flood, 2014). */
    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
