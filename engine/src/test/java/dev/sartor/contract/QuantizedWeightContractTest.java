package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LinearCrossEntropy;
import dev.sartor.device.kernel.Logits;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every kernel that takes a weight, with every kind of quantized one. */
@Covers({LoraLinear.class, LoraLinearBackward.class, DoraScale.class, Embedding.class, Logits.class, LinearCrossEntropy.class})
class QuantizedWeightContractTest extends OpContract {
    private static final int RANK = 3;

    /** Rows of x, features out, features in: blocks in rows, across rows, and a scale for each column. */
    private record Size(int rows, int out, int in) {
        @Override
        public String toString() {
            return rows + " rows by " + out + " x " + in;
        }
    }

    private static final List<Size> SIZES = List.of(
            new Size(3, 1, 5), new Size(1, 100, 65), new Size(17, 63, 172), new Size(26, 130, 128));

    private interface Recipe {
        Kernel make(Fixture f, Weight weight, Size size, DType dtype);
    }

    /** Makes the weight when it is called, so that the order of random numbers is that of the arguments. */
    private record Weight(QuantizedWeight kind, Layout layout) {
        dev.sartor.device.Matrix of(Fixture f, Size size) {
            return kind.random(f, layout, size.out(), size.in());
        }
    }

    private Stream<DynamicTest> everyKind(Recipe recipe) {
        return Stream.of(QuantizedWeight.values()).flatMap(kind -> Stream.of(Layout.values()).flatMap(layout -> SIZES.stream()
                .flatMap(size -> types().flatMap(dtype -> kernel(
                        kind + " " + layout + " " + size + " " + dtype, Tolerance.product(dtype),
                        f -> recipe.make(f, new Weight(kind, layout), size, dtype))))));
    }

    @TestFactory
    Stream<DynamicTest> forward() {
        return everyKind((f, weight, size, dtype) -> new LoraLinear(
                f.random(dtype, size.rows(), size.in()), weight.of(f, size), f.random(FLOAT32, size.out()),
                factor(f, RANK, size.in()), factor(f, size.out(), RANK), f.output("y", dtype, size.rows(), size.out()),
                f.output("h", FLOAT32, size.rows(), RANK), f.rng(5, 7), 11, 1.5f, 0.25f));
    }

    @TestFactory
    Stream<DynamicTest> inputGradient() {
        return everyKind((f, weight, size, dtype) -> new LoraLinearBackward(
                f.random(dtype, size.rows(), size.out()), f.random(dtype, size.rows(), size.in()),
                f.random(FLOAT32, size.rows(), RANK), weight.of(f, size), factor(f, RANK, size.in()),
                factor(f, size.out(), RANK), f.output("dx", dtype, size.rows(), size.in()),
                f.changed("dLoraA", FLOAT32, RANK, size.in()), f.changed("dLoraB", FLOAT32, size.out(), RANK), null, null,
                null, 11, 1.5f, 0, false));
    }

    /** Beside a dense layer of the same input. */
    @TestFactory
    Stream<DynamicTest> projections() {
        return everyKind((f, weight, size, dtype) -> new LoraLinear(
                f.random(dtype, size.rows(), size.in()), List.of(
                        new LoraLinear.Projection(weight.of(f, size), f.random(FLOAT32, size.out()), factor(f, RANK, size.in()),
                                factor(f, size.out(), RANK), f.output("y0", dtype, size.rows(), size.out()),
                                f.output("h0", FLOAT32, size.rows(), RANK), 1.5f),
                        new LoraLinear.Projection(f.weight(Layout.PACKED, dtype, 70, size.in()), null, null, null,
                                f.output("y1", dtype, size.rows(), 70), null, 0)),
                null, 0, 0));
    }

    @TestFactory
    Stream<DynamicTest> inputGradientOfProjections() {
        return everyKind((f, weight, size, dtype) -> {
            // Weights first: what is made before a packed one counts as its input.
            var dense = f.weight(Layout.PACKED, dtype, 70, size.in());
            var quantized = weight.of(f, size);
            return new LoraLinearBackward(
                    f.random(dtype, size.rows(), size.in()), f.output("dx", dtype, size.rows(), size.in()), List.of(
                            new LoraLinearBackward.Projection(
                                    f.random(dtype, size.rows(), 70), null, dense, null, null, null, null, null, null, 0),
                            new LoraLinearBackward.Projection(f.random(dtype, size.rows(), size.out()),
                                    f.random(FLOAT32, size.rows(), RANK), quantized, factor(f, RANK, size.in()),
                                    factor(f, size.out(), RANK), f.changed("dLoraA", FLOAT32, RANK, size.in()),
                                    f.changed("dLoraB", FLOAT32, size.out(), RANK), null, null, 1.5f)),
                    null, 0, 0, false);
        });
    }

    @TestFactory
    Stream<DynamicTest> doraScale() {
        return everyKind((f, weight, size, dtype) -> new DoraScale(
                weight.of(f, size), factor(f, RANK, size.in()), factor(f, size.out(), RANK), f.random(FLOAT32, size.out()),
                f.output("scale", FLOAT32, size.out()), f.output("norm", FLOAT32, size.out()), 0.5f));
    }

    @TestFactory
    Stream<DynamicTest> embedding() {
        return everyKind((f, weight, size, dtype) -> new Embedding(
                weight.of(f, size), f.ints(f.randomInts(size.rows(), size.out()), size.rows()),
                f.output("y", dtype, size.rows(), size.in()), false));
    }

    @TestFactory
    Stream<DynamicTest> logits() {
        return everyKind((f, weight, size, dtype) -> new Logits(
                f.random(dtype, size.rows(), size.in()), weight.of(f, size), null,
                f.output("y", FLOAT32, size.rows(), size.out()), 0f));
    }

    @TestFactory
    Stream<DynamicTest> crossEntropy() {
        return everyKind((f, weight, size, dtype) -> new LinearCrossEntropy(
                f.random(dtype, size.rows(), size.in()), weight.of(f, size), null,
                f.ints(f.randomInts(size.rows(), size.out()), size.rows()), null, f.output("losses", FLOAT32, size.rows()),
                f.output("dx", dtype, size.rows(), size.in()), null, null, 0f));
    }

    /** More columns than a panel in cache holds: blocks of k meet in the strip, with scales of their own. */
    @TestFactory
    Stream<DynamicTest> manyBlocks() {
        var wide = new Size(5, 70, 2304);
        return Stream.of(QuantizedWeight.values()).flatMap(kind -> types().flatMap(dtype -> kernel(
                kind + " " + wide + " " + dtype, Tolerance.product(dtype), f -> new LoraLinear(
                        f.random(dtype, wide.rows(), wide.in()), new Weight(kind, Layout.PACKED).of(f, wide), null, null, null,
                        f.output("y", dtype, wide.rows(), wide.out()), null, null, 11, 0, 0))));
    }

    @TestFactory
    Stream<DynamicTest> manyRows() {
        var tall = new Size(5, 2304, 70);
        return Stream.of(QuantizedWeight.values()).flatMap(kind -> types().flatMap(dtype -> kernel(
                kind + " " + tall + " " + dtype, Tolerance.product(dtype), f -> new LoraLinearBackward(
                        f.random(dtype, tall.rows(), tall.out()), null, null,
                        new Weight(kind, Layout.PACKED).of(f, tall), null, null,
                        f.output("dx", dtype, tall.rows(), tall.in()), null, null, null, null, null, 11, 0, 0, false))));
    }

    private static Tensor factor(Fixture f, int rows, int columns) {
        return f.weight(Layout.ROW_MAJOR, FLOAT32, rows, columns).data();
    }
}
