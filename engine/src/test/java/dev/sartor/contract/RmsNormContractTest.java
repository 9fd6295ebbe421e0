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
                        new dev.sartor.op.RmsNorm(EPSILON), g.activation(dtype, 5, groups * 17), g.parameter(17)))));
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
