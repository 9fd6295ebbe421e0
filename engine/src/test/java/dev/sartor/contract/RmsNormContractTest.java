package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({RmsNorm.class, RmsNormBackward.class})
class RmsNormContractTest extends OpContract {
    private static final float EPSILON = 1e-5f;

    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> kernel(size + " " + dtype, Tolerance.elementwise(dtype), f -> new RmsNorm(
                f.random(dtype, size.rows, size.width), f.random(FLOAT32, size.width),
                f.output("y", dtype, size.rows, size.width), f.output("inverseRms", FLOAT32, size.rows), EPSILON)));
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
                kernel("dWeight alone " + size + " " + dtype, Tolerance.elementwise(dtype),
                        f -> backward(f, size, dtype, false, false, true))));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.of(1, 3).flatMap(groups -> op(groups + " groups", Tolerance::chain, (g, dtype) -> g.output(
                g.tape().apply(
                        new dev.sartor.op.RmsNorm(EPSILON), g.activation(dtype, 5, groups * 17), g.parameter(17), null))));
    }

    @TestFactory
    Stream<DynamicTest> forwardOfASum() {
        return grid((size, dtype) -> kernel(size + " " + dtype, Tolerance.elementwise(dtype), f -> new RmsNorm(
                f.random(dtype, size.rows, size.width), f.random(dtype, size.rows, size.width),
                f.output("sum", dtype, size.rows, size.width), f.random(FLOAT32, size.width),
                f.output("y", dtype, size.rows, size.width), f.output("inverseRms", FLOAT32, size.rows), EPSILON)));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfASum() {
        return grid((size, dtype) -> Stream.of(true, false).flatMap(accumulate -> kernel(
                size + " " + dtype + (accumulate ? " adding" : ""), Tolerance.elementwise(dtype), f -> {
                    var k = backward(f, size, dtype, accumulate, true, true);
                    return new RmsNormBackward(k.dy(), k.x(), f.random(dtype, size.rows, size.width), k.weight(), k.inverseRms(),
                            k.dx(), k.dWeight(), accumulate);
                })));
    }

    /** Both outputs used, one alone, and terms that other ops read too. */
    @TestFactory
    Stream<DynamicTest> gradientsOfASum() {
        return Stream.of("both", "norm", "sum").flatMap(used -> op(used, Tolerance::chain, (g, dtype) -> {
            var x = g.activation(dtype, 5, 34);
            var residual = g.activation(dtype, 5, 34);
            var outputs = g.tape().applyAll(new dev.sartor.op.RmsNorm(EPSILON), x,
                    used.equals("sum") ? g.tape().constant(g.tensor(FLOAT32, g.gaussians(17), 17)) : g.parameter(17), residual);
            if (!used.equals("norm")) {
                g.output(outputs.get(1));
                g.output(g.tape().apply(dev.sartor.op.Add.SUM, x, outputs.get(1)));
            }
            if (!used.equals("sum")) {
                g.output(outputs.get(0));
            }
        }));
    }

    private static RmsNormBackward backward(
            Fixture f, Size size, DType dtype, boolean accumulate, boolean dx, boolean dWeight) {
        var x = f.random(dtype, size.rows, size.width);
        var weight = f.random(FLOAT32, size.width);
        var inverseRms = f.output("inverseRms", FLOAT32, size.rows);
        f.submit(new RmsNorm(x, weight, f.output("y", dtype, size.rows, size.width), inverseRms, EPSILON), "forward");
        f.settle();
        return new RmsNormBackward(
                f.random(dtype, size.rows, size.width), x, weight, inverseRms,
                dx ? f.target("dx", accumulate, dtype, size.rows, size.width) : null,
                dWeight ? f.changed("dWeight", FLOAT32, size.width) : null, accumulate);
    }
}
