package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.Add;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Add.class})
class AddContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(true, false).flatMap(two -> kernel(
                size + " " + dtype + (two ? "" : " of one"), Tolerance.elementwise(dtype), f -> new Add(
                        f.random(dtype, size.count()), two ? f.random(dtype, size.count()) : null,
                        f.output("y", dtype, size.count()), 0.75f, -1.5f))));
    }

    @TestFactory
    Stream<DynamicTest> inPlace() {
        return grid((size, dtype) -> Stream.concat(
                kernel("into a " + size + " " + dtype, Tolerance.elementwise(dtype), f -> {
                    var a = f.changed("a", dtype, size.count());
                    return new Add(a, f.random(dtype, size.count()), a, 1, 1);
                }),
                kernel("into b " + size + " " + dtype, Tolerance.elementwise(dtype), f -> {
                    var b = f.changed("b", dtype, size.count());
                    return new Add(f.random(dtype, size.count()), b, b, 2, 1);
                })));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.concat(
                op("sum", Tolerance::chain, (g, dtype) -> g.output(g.tape().apply(
                        dev.sartor.op.Add.SUM, g.activation(dtype, 5, 33), g.activation(dtype, 5, 33)))),
                op("scaled, one value used twice", Tolerance::chain, (g, dtype) -> {
                    var x = g.activation(dtype, 5, 33);
                    var y = g.tape().apply(new dev.sartor.op.Add(0.5f, -2), x, g.activation(dtype, 5, 33));
                    g.output(g.tape().apply(dev.sartor.op.Add.SUM, y, x));
                }));
    }
}
