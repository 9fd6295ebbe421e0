package dev.sartor.backend.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.tensor.DType;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

class FloatsTest {
    @Test
    void bfloat16RoundsToNearestEven() {
        double ulp = 0x1p-7;
        assertEquals(1, Floats.round(1 + ulp / 2, DType.BFLOAT16));
        assertEquals(1 + 2 * ulp, Floats.round(1 + 1.5 * ulp, DType.BFLOAT16));
        assertEquals(-1 - ulp, Floats.round(-1 - 0.75 * ulp, DType.BFLOAT16));
    }

    @Test
    void doublesRoundOnce() {
        // Float32 would round these to the tie first, and the tie to even.
        assertEquals(1 + 0x1p-7, Floats.round(1 + 0x1p-8 + 0x1p-40, DType.BFLOAT16));
        assertEquals(1 + 0x1p-10, Floats.round(1 + 0x1p-11 + 0x1p-40, DType.FLOAT16));
        assertEquals(1, Floats.round(1 + 0x1p-8 - 0x1p-40, DType.BFLOAT16));
    }

    @Test
    void specialValues() {
        for (var dtype : new DType[] {DType.BFLOAT16, DType.FLOAT16, DType.FLOAT32, DType.FLOAT64}) {
            assertTrue(Double.isNaN(Floats.round(Double.NaN, dtype)), dtype.name());
            // The payload's last bit alone: truncation would make an infinity of it.
            assertTrue(Double.isNaN(Floats.round(Float.intBitsToFloat(0x7f800001), dtype)), dtype.name());
            assertEquals(Double.NEGATIVE_INFINITY, Floats.round(Double.NEGATIVE_INFINITY, dtype));
            assertEquals(0, Floats.round(0, dtype));
            assertEquals(-0.0, Floats.round(-0.0, dtype));
        }
        assertEquals(Double.POSITIVE_INFINITY, Floats.round(3.4e38, DType.BFLOAT16), "the largest is 3.39e38");
        assertEquals(Double.POSITIVE_INFINITY, Floats.round(1e300, DType.BFLOAT16));
        assertEquals(65504, Floats.round(65519, DType.FLOAT16));
        assertEquals(0x1p-24, Floats.round(0x1p-24, DType.FLOAT16));
        assertEquals(0, Floats.round(1e-60, DType.BFLOAT16));
    }

    @Test
    void everyBfloat16SurvivesTheWayThrough() {
        try (var arena = Arena.ofConfined()) {
            var memory = arena.allocate(2);
            for (int bits = 0; bits < 1 << 16; bits++) {
                double value = Floats.fromBfloat16((short) bits);
                Floats.set(memory, DType.BFLOAT16, 0, value);
                assertEquals(value, Floats.get(memory, DType.BFLOAT16, 0));
            }
        }
    }

    @Test
    void integersAreNoFloats() {
        assertThrows(IllegalArgumentException.class, () -> Floats.round(1, DType.INT32));
    }
}
