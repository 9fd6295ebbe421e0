package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Pack.class, Unpack.class})
class PackContractTest extends OpContract {
    /** What is packed comes back as it was, rounded to the type of the panels: panels are each device's own. */
    @TestFactory
    Stream<DynamicTest> thereAndBack() {
        return Stream.of(FLOAT32, DType.BFLOAT16, DType.FLOAT16).flatMap(source -> types().flatMap(stored -> Stream.of(
                        true, false)
                .flatMap(transpose -> sizes().flatMap(size -> kernel(
                        size[0] + " x " + size[1] + " " + source + " to " + stored + (transpose ? " transposed" : ""),
                        Tolerance.EXACT, f -> {
                            var from = transpose ? f.random(source, size[1], size[0]) : f.random(source, size[0], size[1]);
                            var packed = f.packed(from, stored, size[0], size[1], transpose);
                            return new Unpack(packed, f.output("y", FLOAT32, size[0], size[1]), 0);
                        })))));
    }

    @TestFactory
    Stream<DynamicTest> someRows() {
        return types().flatMap(stored -> Stream.of(Layout.values()).flatMap(layout -> Stream.of(0, 1, 15, 16, 60).flatMap(
                first -> kernel("rows from " + first + " " + layout + " " + stored, Tolerance.EXACT, f -> new Unpack(
                        f.weight(layout, stored, 65, 33), f.output("y", FLOAT32, 5, 33), first)))));
    }

    /** The same source packs to the same bytes, and no byte lies outside of what was asked for. */
    @TestFactory
    Stream<DynamicTest> panels() {
        return types().flatMap(stored -> sizes().flatMap(size -> Subject.present().stream().map(subject ->
                DynamicTest.dynamicTest(size[0] + " x " + size[1] + " " + stored + " on " + subject, () -> {
                    byte[][] packed = new byte[2][];
                    for (int i = 0; i < 2; i++) {
                        try (var f = new Fixture(subject.device(), (byte) (0xFF * i))) {
                            ran(Pack.class);
                            var source = f.random(FLOAT32, size[0], size[1]);
                            long bytes = subject.device().packedBytes(size[0], size[1], stored);
                            Tensor panels = f.output("panels", DType.UINT8, bytes);
                            var matrix = new Matrix(size[0], size[1], Layout.PACKED, stored, panels);
                            packed[i] = f.run(new Pack(source, matrix, false)).getFirst().bytes();
                        }
                    }
                    assertArrayEquals(packed[0], packed[1]);
                }))));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return refused("rows beyond the weight", f -> new Unpack(
                f.weight(Layout.PACKED, FLOAT32, 65, 33), f.output("y", FLOAT32, 5, 33), 61), "65");
    }

    private static Stream<int[]> sizes() {
        return Arrays.stream(new int[][] {{1, 1}, {3, 17}, {65, 33}, {128, 64}, {17, 300}, {200, 5}});
    }
}
