package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.kernel.Logits;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Products of few rows with quantized weights, which decoding computes straight from the codes. */
@Covers({LoraLinear.class, Logits.class})
class MatvecContractTest extends OpContract {
    /** One panel and part of another, groups of scales from 1 column to 64, rows on both sides of the border to panels. */
    @TestFactory
    Stream<DynamicTest> plain() {
        return products((kind, rows, size, dtype) -> kernel(
                kind + " " + size[0] + " x " + size[1] + ", " + rows + " rows of " + dtype,
                Tolerance.product(dtype), f -> new LoraLinear(
                        f.random(dtype, rows, size[1]), kind.random(f, Layout.PACKED, size[0], size[1]), f.random(FLOAT32, size[0]),
                        null, null, f.output("y", dtype, rows, size[0]), null, null, 0, 0, 0)));
    }

    /** The adapter's update joins the same sums. */
    @TestFactory
    Stream<DynamicTest> withAdapter() {
        return products((kind, rows, size, dtype) -> kernel(
                kind + " " + size[0] + " x " + size[1] + ", " + rows + " rows of " + dtype + ", rank 3",
                Tolerance.product(dtype), f -> new LoraLinear(
                        f.random(dtype, rows, size[1]), kind.random(f, Layout.PACKED, size[0], size[1]), null,
                        factor(f, 3, size[1]), factor(f, size[0], 3), f.output("y", dtype, rows, size[0]),
                        f.output("h", FLOAT32, rows, 3), null, 0, 0.5f, 0)));
    }

    @TestFactory
    Stream<DynamicTest> logits() {
        return products((kind, rows, size, dtype) -> kernel(
                kind + " " + size[0] + " x " + size[1] + ", " + rows + " rows of " + dtype,
                Tolerance.product(dtype), f -> new Logits(
                        f.random(dtype, rows, size[1]), kind.random(f, Layout.PACKED, size[0], size[1]), f.random(FLOAT32, size[0]),
                        f.output("y", FLOAT32, rows, size[0]), 2)));
    }

    private static Tensor factor(Fixture f, int rows, int columns) {
        return f.weight(Layout.ROW_MAJOR, FLOAT32, rows, columns).data();
    }

    @FunctionalInterface
    private interface Case {
        Stream<DynamicTest> of(QuantizedWeight kind, int rows, int[] size, DType dtype);
    }

    private static Stream<DynamicTest> products(Case test) {
        int[][] sizes = {{65, 172}, {128, 64}, {100, 5}, {3, 320}, {70, 578}};
        return Arrays.stream(QuantizedWeight.values()).flatMap(kind -> Stream.of(Layout.values()).flatMap(layout ->
                Stream.of(1, 2, 3, 4, 5).flatMap(rows -> Arrays.stream(sizes).flatMap(size ->
                        types().flatMap(dtype -> test.of(kind, rows, size, dtype))))));
    }
}
