package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.LayerNorm;
import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({LayerNorm.class, LayerNormBackward.class})
class LayerNormContractTest extends OpContract {
    private static final float EPSILON = 1e-5f;

    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(true, false).flatMap(bias -> kernel(
                size + " " + dtype + (bias ? " with bias" : ""), Tolerance.elementwise(dtype), f -> new LayerNorm(
                        f.random(dtype, size.rows, size.width), f.random(FLOAT32, size.width),
                        bias ? f.random(FLOAT32, size.width) : null, f.output("y", dtype, size.rows, size.width),
                        f.output("mean", FLOAT32, size.rows), f.output("inverseStd", FLOAT32, size.rows), EPSILON))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return grid((size, dtype) -> Stream.of(true, false).flatMap(accumulate -> kernel(
                size + " " + dtype + (accumulate ? " adding" : ""), Tolerance.elementwise(dtype),
                f -> backward(f, size, dtype, accumulate, true, true))));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfOneInput() {
        return grid((size, dtype) -> Stream.concat(
                kernel("dx alone " + size + " " + dtype, Tolerance.elementwise(dtype),
                        f -> backward(f, size, dtype, false, true, false)),
                kernel("parameters alone " + size + " " + dtype, Tolerance.elementwise(dtype),
                        f -> backward(f, size, dtype, false, false, true))));
    }

    /** A large mean must not cancel the variance away. */
    @TestFactory
    Stream<DynamicTest> farFromZero() {
        double[] x = new double[3 * 65];
        for (int i = 0; i < x.length; i++) {
            x[i] = 1000 + i % 7;
        }
        return kernel("mean of 1000", new Tolerance(1e-4, 1e-4), f -> new LayerNorm(
                f.values(FLOAT32, x, 3, 65), f.random(FLOAT32, 65), null, f.output("y", FLOAT32, 3, 65),
                f.output("mean", FLOAT32, 3), f.output("inverseStd", FLOAT32, 3), EPSILON));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.of(true, false).flatMap(bias -> op(
                bias ? "with bias" : "without bias", Tolerance::chain, (g, dtype) -> g.output(g.tape().apply(
                        new dev.sartor.op.LayerNorm(EPSILON), g.activation(dtype, 5, 33), g.parameter(33),
                        bias ? g.parameter(33) : null, null))));
    }

    @TestFactory
    Stream<DynamicTest> forwardOfASum() {
        return grid((size, dtype) -> kernel(size + " " + dtype, Tolerance.elementwise(dtype), f -> new LayerNorm(
                f.random(dtype, size.rows, size.width), f.random(dtype, size.rows, size.width),
                f.output("sum", dtype, size.rows, size.width), f.random(FLOAT32, size.width), f.random(FLOAT32, size.width),
                f.output("y", dtype, size.rows, size.width), f.output("mean", FLOAT32, size.rows),
                f.output("inverseStd", FLOAT32, size.rows), EPSILON)));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfASum() {
        return grid((size, dtype) -> Stream.of(true, false).flatMap(accumulate -> kernel(
                size + " " + dtype + (accumulate ? " adding" : ""), Tolerance.elementwise(dtype), f -> {
                    var k = backward(f, size, dtype, accumulate, true, true);
                    return new LayerNormBackward(k.dy(), k.x(), f.random(dtype, size.rows, size.width), k.weight(), k.mean(),
                            k.inverseStd(), k.dx(), k.dWeight(), k.dBias(), accumulate);
                })));
    }

    @TestFactory
    Stream<DynamicTest> gradientsOfASum() {
        return op("of a sum", Tolerance::chain, (g, dtype) -> g.tape()
                .applyAll(new dev.sartor.op.LayerNorm(EPSILON), g.activation(dtype, 5, 33), g.parameter(33), g.parameter(33),
                        g.activation(dtype, 5, 33))
                .forEach(g::output));
    }

    private static LayerNormBackward backward(
            Fixture f, Size size, DType dtype, boolean accumulate, boolean dx, boolean parameters) {
        var x = f.random(dtype, size.rows, size.width);
        var weight = f.random(FLOAT32, size.width);
        var mean = f.output("mean", FLOAT32, size.rows);
        var inverseStd = f.output("inverseStd", FLOAT32, size.rows);
        var y = f.output("y", dtype, size.rows, size.width);
        f.submit(new LayerNorm(x, weight, null, y, mean, inverseStd, EPSILON), "forward");
        f.settle();
        return new LayerNormBackward(
                f.random(dtype, size.rows, size.width), x, weight, mean, inverseStd,
                dx ? f.target("dx", accumulate, dtype, size.rows, size.width) : null,
                parameters ? f.changed("dWeight", FLOAT32, size.width) : null,
                parameters ? f.changed("dBias", FLOAT32, size.width) : null, accumulate);
    }
}
