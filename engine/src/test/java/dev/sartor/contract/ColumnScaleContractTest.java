package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.ColumnScale;
import dev.sartor.device.kernel.ColumnScaleBackward;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({ColumnScale.class, ColumnScaleBackward.class})
class ColumnScaleContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(true, false).flatMap(bias -> kernel(
                size + " " + dtype + (bias ? " with bias" : ""), Tolerance.elementwise(dtype), f -> new ColumnScale(
                        f.random(dtype, size.rows, size.width), f.random(FLOAT32, size.width),
                        bias ? f.random(FLOAT32, size.width) : null, f.output("y", dtype, size.rows, size.width)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return grid((size, dtype) -> Stream.of(0, 1, 2, 3, 4).flatMap(which -> kernel(
                size + " " + dtype + " outputs " + which, Tolerance.elementwise(dtype), f -> new ColumnScaleBackward(
                        f.random(dtype, size.rows, size.width), f.random(dtype, size.rows, size.width),
                        f.random(FLOAT32, size.width),
                        which < 3 ? f.target("dx", which == 1, dtype, size.rows, size.width) : null,
                        which != 2 ? f.output("dScale", FLOAT32, size.width) : null,
                        which != 3 ? f.changed("dBias", FLOAT32, size.width) : null, which == 1))));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.of(true, false).flatMap(bias -> op(
                bias ? "with bias" : "without bias", Tolerance::chain, (g, dtype) -> g.output(g.tape().apply(
                        new dev.sartor.op.ColumnScale(), g.activation(dtype, 5, 33), g.parameter(33),
                        bias ? g.parameter(33) : null))));
    }
}
