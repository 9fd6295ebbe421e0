package dev.sartor.backend.reference;

/**
 * The counter-based generator Philox 4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random
 * numbers: as easy as 1, 2, 3"): the same seed, step, site and element give the same number on
 * every device, in any order, on any number of threads.
 */
final class Philox {
    private final int[] block = new int[4];
    private final long seed;
    private final int site;
    private final int step;
    private long blockIndex = -1;

    /** Element i draws lane i mod 4 of key = seed, counter = (i / 4 as two words, site, step), low words of each. */
    Philox(long seed, long step, long site) {
        this.seed = seed;
        this.step = (int) step;
        this.site = (int) site;
    }

    /** A uniform number in [0, 1), a multiple of 2^-24. */
    double uniform(long element) {
        if (element >>> 2 != blockIndex) {
            blockIndex = element >>> 2;
            block[0] = (int) blockIndex;
            block[1] = (int) (blockIndex >>> 32);
            block[2] = site;
            block[3] = step;
            rounds(block, (int) seed, (int) (seed >>> 32));
        }
        return (block[(int) (element & 3)] >>> 8) * 0x1p-24;
    }

    /** Ten rounds on a counter, in place. */
    static void rounds(int[] counter, int key0, int key1) {
        for (int round = 0; round < 10; round++) {
            long product0 = 0xD2511F53L * Integer.toUnsignedLong(counter[0]);
            long product1 = 0xCD9E8D57L * Integer.toUnsignedLong(counter[2]);
            int first = (int) (product1 >>> 32) ^ counter[1] ^ key0;
            int third = (int) (product0 >>> 32) ^ counter[3] ^ key1;
            counter[0] = first;
            counter[1] = (int) product1;
            counter[2] = third;
            counter[3] = (int) product0;
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }
    }
}
