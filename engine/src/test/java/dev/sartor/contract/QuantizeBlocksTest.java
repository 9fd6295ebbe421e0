package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.Layout;
import dev.sartor.device.QuantType;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.device.kernel.Unpack;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Quantizing at scale: a million blocks as the plain implementation has them, and what is lost. */
class QuantizeBlocksTest {
    private static final int BLOCKS_AT_ONCE = 20_000;

    /** Where codes change, as the published trees have it: an element there is a tie. */
    private static final float[] THRESHOLDS = {
        -0.8480964004993439f, -0.6106329262256622f, -0.4599952697753906f, -0.33967943489551544f, -0.23460740596055984f,
        -0.13791173323988914f, -0.045525018125772476f, 0.03979014977812767f, 0.1202552504837513f, 0.2035212516784668f,
        0.2920137718319893f, 0.3893125355243683f, 0.5016634166240692f, 0.6427869200706482f, 0.8614784181118011f,
        0.00260417f, 0.0859375f, 0.20833333f, 0.29166667f, 0.4166667f, 0.583333f, 0.8333333f
    };

    @ParameterizedTest
    @CsvSource({"NF4, 1000000", "FP4, 200000"})
    void codesOfManyBlocks(QuantizedWeight kind, int blocks) {
        var random = new SplittableRandom(kind.ordinal());
        var subjects = Subject.present().subList(1, Subject.present().size()); // the first is the reference itself
        for (int done = 0; done < blocks; done += BLOCKS_AT_ONCE) {
            double[] values = blocks(random);
            var expected = quantized(kind, Subject.oracle(), values);
            for (var subject : subjects) {
                var actual = quantized(kind, subject.device(), values);
                for (int i = 0; i < expected.size(); i++) {
                    assertArrayEquals(expected.get(i).bytes(), actual.get(i).bytes(),
                            kind + " on " + subject + ": " + expected.get(i).name() + " after " + done + " blocks");
                }
            }
        }
    }

    /** Normal numbers of many sizes; every eighth block has ties, every hundredth nothing but zeros. */
    private static double[] blocks(SplittableRandom random) {
        var values = new double[BLOCKS_AT_ONCE * QuantType.BLOCK];
        for (int block = 0; block < BLOCKS_AT_ONCE; block++) {
            int first = block * QuantType.BLOCK;
            float size = Math.scalb(1f, random.nextInt(-40, 20));
            for (int i = 0; i < QuantType.BLOCK && block % 100 != 1; i++) {
                values[first + i] = (float) random.nextGaussian() * size;
            }
            if (block % 8 == 0) { // absmax is a power of two, and the reciprocal exact
                for (int i = 0; i < QuantType.BLOCK; i++) {
                    float tie = THRESHOLDS[random.nextInt(THRESHOLDS.length)];
                    values[first + i] = (random.nextBoolean() ? tie : -tie) * size;
                }
                values[first + random.nextInt(QuantType.BLOCK)] = size;
            }
        }
        return values;
    }

    private static List<Written> quantized(QuantizedWeight kind, dev.sartor.device.Device device, double[] values) {
        try (var f = new Fixture(device, (byte) 0xFF)) {
            int columns = 640;
            int rows = values.length / columns;
            return f.run(new Quantize(f.values(FLOAT32, values, rows, columns), kind.target(f, rows, columns), false));
        }
    }

    /** Root mean square of what is lost of normal weights, relative to theirs. */
    @Test
    void errorsAreInTheirOrder() {
        Map<QuantizedWeight, Double> errors = new TreeMap<>();
        for (var kind : List.of(QuantizedWeight.NF4, QuantizedWeight.FP4, QuantizedWeight.INT8)) {
            try (var f = new Fixture(Subject.present().getLast().device(), (byte) 0)) {
                double[] values = f.gaussians(512 * 512, 1);
                var matrix = kind.of(f, f.values(FLOAT32, values, 512, 512), 512, 512);
                double[] back = f.run(new Unpack(matrix, f.output("y", FLOAT32, 512, 512), 0)).getFirst().values();
                double lost = 0;
                for (int i = 0; i < back.length; i++) {
                    lost += Math.pow(back[i] - (float) values[i], 2);
                }
                errors.put(kind, Math.sqrt(lost / back.length));
            }
        }
        assertTrue(0 < errors.get(QuantizedWeight.INT8) && errors.get(QuantizedWeight.INT8) < errors.get(QuantizedWeight.NF4)
                && errors.get(QuantizedWeight.NF4) < errors.get(QuantizedWeight.FP4)
                && errors.get(QuantizedWeight.FP4) < 0.2, "errors " + errors);
    }

    /** Codes lie as bitsandbytes has them: the first of two in the high half of the byte. */
    @Test
    void firstElementIsInTheHighHalf() {
        try (var f = new Fixture(Subject.present().getLast().device(), (byte) 0)) {
            var matrix = QuantizedWeight.NF4.of(f, f.values(FLOAT32, new double[] {1, 0, -1}, 1, 3), 1, 3);
            assertTrue(matrix.layout() == Layout.ROW_MAJOR);
            assertArrayEquals(new byte[] {(byte) 0xF7, 0x07}, f.bytes(matrix.data()));
        }
    }
}
