package dev.sartor.contract;

import static dev.sartor.tensor.DType.BFLOAT16;
import static dev.sartor.tensor.DType.FLOAT16;
import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.tensor.DType;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Quantize.class, Pack.class, Unpack.class})
class QuantizeContractTest extends OpContract {
    /** Codes, scales and outliers' values, bit for bit; of every type of source. */
    @TestFactory
    Stream<DynamicTest> codes() {
        return kinds().flatMap(kind -> Stream.of(FLOAT32, BFLOAT16, FLOAT16).flatMap(source -> Stream.of(true, false)
                .flatMap(transpose -> sizes().flatMap(size -> kernel(
                        kind + " of " + size[0] + " x " + size[1] + " " + source + (transpose ? " transposed" : ""),
                        Tolerance.EXACT, f -> {
                            var from = transpose ? f.random(source, size[1], size[0]) : f.random(source, size[0], size[1]);
                            return new Quantize(from, kind.target(f, size[0], size[1]), transpose);
                        })))));
    }

    /**
     * Zeros, the smallest and the greatest numbers, and blocks of nothing else. Without outliers: some
     * processors' conversion to bfloat16 makes the smallest numbers 0.
     */
    @TestFactory
    Stream<DynamicTest> extremes() {
        double[] values = {0, -0.0, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL, 1e-38, -3e-37, 1e-20, 1, -1,
            Float.MAX_VALUE, -Float.MAX_VALUE};
        return kinds().filter(kind -> kind != QuantizedWeight.INT8_OUTLIERS).flatMap(kind -> Stream.of(0, 2, 4, 6, 7, 8, 10, 12).flatMap(count -> kernel(
                kind + " of the first " + count + " extremes", Tolerance.EXACT, f -> {
                    var source = new double[3 * 100];
                    for (int i = 0; i < source.length && count > 0; i++) {
                        source[i] = values[i % count];
                    }
                    return new Quantize(f.values(FLOAT32, source, 3, 100), kind.target(f, 3, 100), false);
                })));
    }

    @TestFactory
    Stream<DynamicTest> values() {
        return allKinds().flatMap(kind -> Stream.of(Layout.values()).flatMap(layout -> sizes().flatMap(size -> kernel(
                kind + " " + layout + " " + size[0] + " x " + size[1], Tolerance.EXACT, f -> new Unpack(
                        kind.random(f, layout, size[0], size[1]), f.output("y", FLOAT32, size[0], size[1]), 0)))));
    }

    /** A quantized source in dense panels. */
    @TestFactory
    Stream<DynamicTest> dense() {
        return allKinds().flatMap(kind -> types().flatMap(stored -> sizes().flatMap(size -> kernel(
                kind + " as " + stored + " " + size[0] + " x " + size[1], Tolerance.EXACT, f -> {
                    var panels = f.dense(kind.random(f, Layout.ROW_MAJOR, size[0], size[1]), stored);
                    return new Unpack(panels, f.output("y", FLOAT32, size[0], size[1]), 0);
                }))));
    }

    /** The same source packs to the same bytes, and no byte lies outside of what was asked for. */
    @TestFactory
    Stream<DynamicTest> panels() {
        return allKinds().flatMap(kind -> sizes().flatMap(size -> Subject.present().stream().map(subject ->
                DynamicTest.dynamicTest(kind + " " + size[0] + " x " + size[1] + " on " + subject, () -> {
                    byte[][][] packed = new byte[2][][];
                    for (int i = 0; i < 2; i++) {
                        try (var f = new Fixture(subject.device(), (byte) (0xFF * i))) {
                            ran(Pack.class);
                            Matrix matrix = kind.random(f, Layout.ROW_MAJOR, size[0], size[1]);
                            var written = f.run(new Pack(matrix, QuantizedWeight.packedTarget(f, matrix), false));
                            packed[i] = written.stream().map(Written::bytes).toArray(byte[][]::new);
                        }
                    }
                    assertArrayEquals(packed[0], packed[1]);
                }))));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        double[] values = new double[3 * 70];
        values[150] = Double.NaN;
        values[151] = Double.POSITIVE_INFINITY;
        return Stream.of(
                        kinds().flatMap(kind -> refused(kind + " of NaN", f -> new Quantize(
                                f.values(FLOAT32, values, 3, 70), kind.target(f, 3, 70), false), "[2, 10]", "NaN")),
                        refused("a packed target", f -> {
                            var matrix = QuantizedWeight.NF4.random(f, Layout.ROW_MAJOR, 3, 70);
                            return new Quantize(f.random(FLOAT32, 3, 70), QuantizedWeight.packedTarget(f, matrix), false);
                        }, "target"),
                        refused("another type", f -> {
                            var matrix = QuantizedWeight.NF4.random(f, Layout.ROW_MAJOR, 3, 70);
                            var other = QuantizedWeight.FP4.random(f, Layout.ROW_MAJOR, 3, 70);
                            return new Pack(matrix, QuantizedWeight.packedTarget(f, other), false);
                        }, "source"))
                .flatMap(tests -> tests);
    }

    private static Stream<QuantizedWeight> kinds() {
        return allKinds().filter(kind -> kind != QuantizedWeight.NF4_NESTED);
    }

    private static Stream<QuantizedWeight> allKinds() {
        return Stream.of(QuantizedWeight.values());
    }

    private static Stream<int[]> sizes() {
        return Arrays.stream(new int[][] {{1, 1}, {3, 17}, {65, 172}, {128, 64}, {100, 5}});
    }
}
