package dev.sartor.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Scales of scales. */
class DoubleQuantizationTest {
    @Test
    void theMapIsAscendingAndSymmetricButForItsEnds() {
        float[] map = DynamicMap.values();
        assertEquals(256, map.length);
        for (int i = 1; i < map.length; i++) {
            assertTrue(map[i] > map[i - 1], "value " + i);
        }
        assertEquals(0, map[127]);
        assertEquals(1, map[255]);
        for (int i = 1; i < 127; i++) {
            assertEquals(map[127 + i], -map[127 - i], "value " + i);
        }
    }

    @Test
    void codesAreOfTheNearestValue() {
        float[] map = DynamicMap.values();
        var random = new Random(3);
        for (int i = 0; i < 100_000; i++) {
            float x = (float) (i % 2 == 0 ? random.nextFloat() * 2 - 1 : Math.pow(10, -7 * random.nextFloat()) * (i % 4 == 1 ? 1 : -1));
            int best = 0;
            for (int code = 1; code < map.length; code++) {
                best = Math.abs((double) map[code] - x) < Math.abs((double) map[best] - x) ? code : best;
            }
            int found = DynamicMap.nearest(x);
            assertEquals(Math.abs((double) map[best] - x), Math.abs((double) map[found] - x), 1e-8, "x = " + x);
        }
    }

    @Test
    void scalesComeBackNearly() {
        var random = new Random(4);
        float[] scales = new float[1000];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = 0.05f + 0.02f * random.nextFloat();
        }
        var quantized = DoubleQuantization.of(scales);
        assertEquals(4, quantized.absmax().length);
        float[] back = quantized.scales();
        for (int i = 0; i < scales.length; i++) {
            // A step of the map is at most 1/64 of the largest of 256 distances from the mean, 0.01.
            assertEquals(scales[i], back[i], 0.01 / 64, "scale " + i);
        }
    }

    @Test
    void equalScalesAreKept() {
        var quantized = DoubleQuantization.of(new float[] {0, 0, 0});
        assertEquals(0, quantized.offset());
        for (float scale : quantized.scales()) {
            assertEquals(0, scale);
        }
        for (float scale : DoubleQuantization.of(new float[] {0.5f, 0.5f}).scales()) {
            assertEquals(0.5f, scale);
        }
    }
}
