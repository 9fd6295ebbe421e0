package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.LinearCrossEntropy;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({LinearCrossEntropy.class})
class LinearCrossEntropyContractTest extends OpContract {
    private static final int VOCABULARY = 67;

    @TestFactory
    Stream<DynamicTest> lossesAndGradients() {
        return grid((size, dtype) -> Stream.of(Layout.values()).flatMap(layout -> Stream.of(true, false).flatMap(all ->
                Stream.of(0f, 1.5f).flatMap(softcap -> kernel(
                        size + " " + dtype + " " + layout + (all ? " with bias, weights and gradients" : " dx alone")
                                + " softcap " + softcap,
                        Tolerance.product(dtype), f -> new LinearCrossEntropy(
                                f.random(dtype, size.rows, size.width), f.weight(layout, dtype, VOCABULARY, size.width),
                                all ? f.random(FLOAT32, VOCABULARY) : null,
                                f.ints(targets(f.randomInts(size.rows, VOCABULARY)), size.rows),
                                all ? f.random(FLOAT32, size.rows) : null, f.output("losses", FLOAT32, size.rows),
                                f.output("dx", dtype, size.rows, size.width),
                                all ? f.changed("dWeight", FLOAT32, VOCABULARY, size.width) : null,
                                all ? f.changed("dBias", FLOAT32, VOCABULARY) : null, softcap))))));
    }

    @TestFactory
    Stream<DynamicTest> lossesAlone() {
        return grid((size, dtype) -> kernel(size + " " + dtype, Tolerance.product(dtype), f -> new LinearCrossEntropy(
                f.random(dtype, size.rows, size.width), f.weight(Layout.PACKED, dtype, VOCABULARY, size.width), null,
                f.ints(targets(f.randomInts(size.rows, VOCABULARY)), size.rows), null,
                f.output("losses", FLOAT32, size.rows), null, null, null, 0)));
    }

    /** More rows and more vocabulary than one chunk holds, whatever a device chooses. */
    @TestFactory
    Stream<DynamicTest> manyChunks() {
        return types().flatMap(dtype -> kernel("300 rows, 5003 words " + dtype, Tolerance.product(dtype), f ->
                new LinearCrossEntropy(
                        f.random(dtype, 300, 16), f.weight(Layout.PACKED, dtype, 5003, 16), null,
                        f.ints(targets(f.randomInts(300, 5003)), 300), f.random(FLOAT32, 300),
                        f.output("losses", FLOAT32, 300), f.output("dx", dtype, 300, 16),
                        f.changed("dWeight", FLOAT32, 5003, 16), null, 0)));
    }

    @TestFactory
    Stream<DynamicTest> nothingToLearn() {
        return types().flatMap(dtype -> outcome("every target ignored " + dtype,
                f -> new LinearCrossEntropy(
                        f.random(dtype, 5, 16), f.weight(Layout.PACKED, dtype, VOCABULARY, 16), null,
                        f.ints(new int[] {-100, -1, -100, -100, -100}, 5), null, f.output("losses", FLOAT32, 5),
                        f.output("dx", dtype, 5, 16), null, null, 0),
                written -> written.forEach(tensor -> {
                    for (double value : tensor.values()) {
                        assertEquals(0, value, tensor.name());
                    }
                })));
    }

    /** Equal logits: the loss is the logarithm of the vocabulary. */
    @TestFactory
    Stream<DynamicTest> uniformLogits() {
        return types().flatMap(dtype -> outcome("zeros " + dtype,
                f -> new LinearCrossEntropy(
                        f.values(dtype, new double[3 * 16], 3, 16), f.weight(Layout.PACKED, dtype, VOCABULARY, 16), null,
                        f.ints(new int[] {0, 66, 5}, 3), null, f.output("losses", FLOAT32, 3), null, null, null, 0),
                written -> {
                    for (double loss : written.getFirst().values()) {
                        assertEquals(Math.log(VOCABULARY), loss, 1e-6);
                    }
                }));
    }

    /** Logits of thousands: exponentials must not overflow. */
    @TestFactory
    Stream<DynamicTest> largeLogits() {
        double[] x = new double[3 * 16];
        Arrays.fill(x, 3000);
        return types().flatMap(dtype -> kernel("large " + dtype, Tolerance.product(dtype), f -> new LinearCrossEntropy(
                f.values(dtype, x, 3, 16), f.weight(Layout.PACKED, dtype, VOCABULARY, 16), null,
                f.ints(new int[] {0, 66, 5}, 3), null, f.output("losses", FLOAT32, 3),
                f.output("dx", dtype, 3, 16), null, null, 0)));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return types().flatMap(dtype -> refused("target beyond the vocabulary " + dtype, f -> new LinearCrossEntropy(
                f.random(dtype, 5, 16), f.weight(Layout.PACKED, dtype, VOCABULARY, 16), null,
                f.ints(new int[] {3, 4, -100, 67, 5}, 5), null, f.output("losses", FLOAT32, 5), null, null, null, 0), "67"));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.of(0f, 1.5f).flatMap(softcap -> Stream.of(true, false).flatMap(trained -> op(
                (trained ? "trained weight and bias" : "frozen weight") + " softcap " + softcap, Tolerance::product,
                (g, dtype) -> {
                    int rows = 9;
                    var weight = trained ? g.parameter(VOCABULARY, 33) : null;
                    var matrix = trained ? Matrix.rowMajor(weight.value()) : g.weight(dtype, VOCABULARY, 33);
                    double[] weights = g.gaussians(rows);
                    var targets = g.ints(new int[] {0, 66, -100, 5, 17, -100, 33, 1, 2}, rows);
                    var op = new dev.sartor.op.LinearCrossEntropy(
                            matrix, targets, g.tensor(FLOAT32, weights, rows), softcap);
                    g.losses(g.tape().apply(
                            op, g.activation(dtype, rows, 33), weight, trained ? g.parameter(VOCABULARY) : null), weights);
                })));
    }

    /** Every third target is ignored. */
    private static int[] targets(int[] targets) {
        for (int i = 2; i < targets.length; i += 3) {
            targets[i] = -100;
        }
        return targets;
    }
}
