package dev.sartor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class BucketsTest {
    @Test
    void fewLengthsAndLittlePadding() {
        for (int multiple : new int[] {1, 3, 8, 32, 64}) {
            var buckets = new Buckets(multiple);
            var lengths = new TreeSet<Integer>();
            int before = 0;
            for (int tokens = 0; tokens <= 2048; tokens++) {
                int length = buckets.round(tokens);
                lengths.add(length);
                assertTrue(length >= Math.max(tokens, before) && length > 0 && length % multiple == 0, tokens + " to " + length);
                assertTrue(length < tokens + Math.max(multiple, tokens / 8.0) + 1, tokens + " to " + length);
                assertTrue(Integer.bitCount(multiple) > 1 || length == buckets.round(length), "a bucket is its own");
                before = length;
            }
            assertTrue(lengths.size() <= 8 * (1 + Math.log(2048.0 / multiple) / Math.log(2)), multiple + ": " + lengths);
        }
        assertEquals(32, new Buckets(32).round(5));
        assertEquals(544, new Buckets(32).round(513) - 32);
        assertThrows(IllegalArgumentException.class, () -> new Buckets(0));
    }
}
