package dev.sartor.backend.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Against the known answers published with Random123 (kat_vectors, philox4x32 10). */
class PhiloxTest {
    @Test
    void knownAnswers() {
        assertRounds(new int[] {0, 0, 0, 0}, 0, 0, new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
        assertRounds(new int[] {-1, -1, -1, -1}, -1, -1, new int[] {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
        assertRounds(
                new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0,
                new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
    }

    @Test
    void elementsDrawTheLanesOfTheirBlock() {
        long seed = 0x299f31d0a4093822L;
        long step = 0x1_0370_7344L;
        int[] block = {7, 0, 0x13198a2e, 0x03707344};
        Philox.rounds(block, 0xa4093822, 0x299f31d0);
        var generator = new Philox(seed, step, 0x13198a2eL);
        // Out of order on purpose: an element's number depends on nothing before it.
        for (int lane : new int[] {2, 0, 3, 1}) {
            assertEquals((block[lane] >>> 8) * 0x1p-24, generator.uniform(28 + lane));
        }
    }

    private static void assertRounds(int[] counter, int key0, int key1, int[] expected) {
        Philox.rounds(counter, key0, key1);
        assertArrayEquals(expected, counter);
    }
}
