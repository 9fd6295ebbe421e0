package dev.sartor.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RegionTest {
    /** Against a count of the bytes that are in both. */
    @ParameterizedTest
    @CsvSource({
        // address, rows, width, stride, twice
        "0, 1, 8, 8,  8, 1, 8, 8",
        "0, 1, 8, 8,  7, 1, 8, 8",
        "0, 4, 3, 10,  3, 4, 7, 10",
        "0, 4, 3, 10,  3, 4, 8, 10",
        "5, 4, 5, 10,  0, 4, 5, 10",
        "5, 4, 5, 10,  0, 4, 6, 10",
        "5, 4, 5, 10,  22, 3, 3, 10",
        "5, 4, 5, 10,  22, 3, 4, 10",
        "8, 4, 2, 10,  100, 4, 2, 10",
        "8, 4, 4, 10,  12, 4, 6, 10",
        "8, 4, 4, 10,  11, 4, 6, 10",
        "0, 4, 10, 10,  15, 1, 2, 10",
    })
    void overlapIsByBytes(long a, int aRows, int aWidth, int aStride, long b, int bRows, int bWidth, int bStride) {
        var one = new Region("one", true, a, aRows, aWidth, aStride);
        var other = new Region("other", false, b, bRows, bWidth, bStride);
        boolean expected = false;
        for (long address = 0; address < 200; address++) {
            expected |= contains(one, address) && contains(other, address);
        }
        assertEquals(expected, one.overlaps(other));
        assertEquals(expected, other.overlaps(one));
    }

    private static boolean contains(Region region, long address) {
        long within = address - region.address();
        return within >= 0 && within / region.stride() < region.rows() && within % region.stride() < region.width();
    }
}
