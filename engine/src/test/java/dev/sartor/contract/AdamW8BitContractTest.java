package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.AdamW8Bit;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({AdamW8Bit.class})
class AdamW8BitContractTest extends OpContract {
    private static final int COUNT = 3 * AdamW8Bit.BLOCK + 77;

    private static double[] absmax(int count) {
        double[] scales = new double[(int) AdamW8Bit.blocks(count)];
        Arrays.setAll(scales, i -> i % 3 == 2 ? 0 : 0.25 + i);
        return scales;
    }

    /** Values beside the border of two codes may fall to either side. */
    @TestFactory
    Stream<DynamicTest> steps() {
        return Stream.of(1, 17, 255, 256, 257, COUNT, 10_007).flatMap(count -> Stream.of(1, 1000).flatMap(step ->
                Stream.of(true, false).flatMap(clipped -> kernel(
                        count + " at step " + step + (clipped ? " clipped" : ""), new Tolerance(4e-6, 4e-7).withCodes(1), f -> {
                            var scales = absmax(count);
                            return new AdamW8Bit(f.changed("parameter", FLOAT32, count), f.random(FLOAT32, count),
                                    f.changed("m", f.randomBytes(count)), f.changed("v", f.randomBytes(count)),
                                    f.changed("mAbsmax", FLOAT32, scales, scales.length),
                                    f.changed("vAbsmax", FLOAT32, scales, scales.length),
                                    clipped ? f.values(FLOAT32, new double[] {0.25}, 1) : null, f.schedule(1e-2f, step),
                                    0.9f, 0.999f, 1e-8f, 0.1f);
                        }))));
    }

    /** With betas of 0 moments are the gradient and its square, exactly: codes are those of the published quantizer. */
    @TestFactory
    Stream<DynamicTest> codesAreTheNearestValues() {
        float[] gradients = gradients();
        var values = new double[gradients.length];
        Arrays.setAll(values, i -> gradients[i]);
        return outcome("codes", f -> new AdamW8Bit(f.changed("parameter", FLOAT32, COUNT), f.values(FLOAT32, values, COUNT),
                        f.changed("m", new byte[COUNT]), f.changed("v", new byte[COUNT]),
                        f.changed("mAbsmax", FLOAT32, new double[4], 4), f.changed("vAbsmax", FLOAT32, new double[4], 4), null,
                        f.schedule(0, 1), 0, 0, 1e-8f, 0),
                written -> {
                    for (int i = 0; i < COUNT; i++) {
                        int block = i / AdamW8Bit.BLOCK;
                        float m = gradients[i];
                        float v = m * m;
                        float mScale = (float) written.get(3).values()[block];
                        float vScale = (float) written.get(4).values()[block];
                        assertEquals(nearest(BitsAndBytesMap.create(true), mScale == 0 ? 0 : m / mScale), written.get(1).values()[i],
                                "m of element " + i + ", " + m / mScale);
                        assertEquals(nearest(BitsAndBytesMap.create(false), vScale == 0 ? 0 : v / vScale), written.get(2).values()[i],
                                "v of element " + i + ", " + v / vScale);
                    }
                    for (int block = 0; block < 4; block++) {
                        float largest = 0;
                        for (int i = block * AdamW8Bit.BLOCK; i < Math.min(COUNT, (block + 1) * AdamW8Bit.BLOCK); i++) {
                            largest = Math.max(largest, Math.abs(gradients[i]));
                        }
                        assertEquals(largest, (float) written.get(3).values()[block]);
                        assertEquals(largest * largest, (float) written.get(4).values()[block]);
                    }
                });
    }

    /** Of all sizes; halfway between two values; and a block of zeros. */
    private static float[] gradients() {
        var random = new Random(3);
        var map = BitsAndBytesMap.create(true);
        var gradients = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            gradients[i] = (float) (random.nextGaussian() * Math.pow(10, -6 * random.nextDouble()));
        }
        for (int i = 0; i < 255; i++) {
            gradients[AdamW8Bit.BLOCK + i] = (map[i] + map[i + 1]) / 2;
        }
        gradients[2 * AdamW8Bit.BLOCK - 1] = 1;
        Arrays.fill(gradients, 2 * AdamW8Bit.BLOCK, 3 * AdamW8Bit.BLOCK, 0);
        return gradients;
    }

    private static int nearest(float[] map, double x) {
        int best = 0;
        for (int code = 1; code < map.length; code++) {
            double closer = Math.abs(map[best] - x) - Math.abs(map[code] - x);
            if (closer > 0 || closer == 0 && Math.abs(map[code]) < Math.abs(map[best])) {
                best = code;
            }
        }
        return best;
    }
}
