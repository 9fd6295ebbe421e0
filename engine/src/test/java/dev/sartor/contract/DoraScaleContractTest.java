package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.DoraScaleBackward;
import dev.sartor.tape.Parameter;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({DoraScale.class, DoraScaleBackward.class})
class DoraScaleContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(Layout.values()).flatMap(layout -> Stream.of(true, false).flatMap(
                magnitude -> kernel(
                        size + " " + dtype + " " + layout + (magnitude ? "" : " norm alone"), Tolerance.product(dtype),
                        f -> new DoraScale(
                                f.weight(layout, dtype, size.rows, size.width), f.random(FLOAT32, 4, size.width),
                                f.random(FLOAT32, size.rows, 4), magnitude ? f.random(FLOAT32, size.rows) : null,
                                magnitude ? f.output("scale", FLOAT32, size.rows) : null,
                                f.output("norm", FLOAT32, size.rows), 0.5f)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return Stream.of(1, 17, 300).flatMap(out -> kernel("backward " + out, Tolerance.elementwise(FLOAT32), f ->
                new DoraScaleBackward(
                        f.random(FLOAT32, out), f.random(FLOAT32, out), f.changed("dMagnitude", FLOAT32, out))));
    }

    /** The norm is a constant in the gradient, so only the magnitude has one. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return op("magnitude", Tolerance::product, (g, dtype) -> {
            var a = g.tape().parameter(Parameter.frozen("lora_A", g.tensor(FLOAT32, g.gaussians(4, 33), 4, 33)));
            var b = g.tape().parameter(Parameter.frozen("lora_B", g.tensor(FLOAT32, g.gaussians(17, 4), 17, 4)));
            g.output(g.tape().apply(new dev.sartor.op.DoraScale(g.weight(dtype, 17, 33), 0.5f), g.parameter(17), a, b));
        });
    }
}
