package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.kernel.Logits;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Logits.class})
class LogitsContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> forward() {
        return grid((size, dtype) -> Stream.of(Layout.values()).flatMap(layout -> Stream.of(true, false).flatMap(bias ->
                Stream.of(0f, 2f).flatMap(softcap -> kernel(
                        size + " " + dtype + " " + layout + (bias ? " with bias" : "") + " softcap " + softcap,
                        Tolerance.product(dtype), f -> new Logits(
                                f.random(dtype, size.rows, size.width), f.weight(layout, dtype, 37, size.width),
                                bias ? f.random(FLOAT32, 37) : null, f.output("y", FLOAT32, size.rows, 37), softcap))))));
    }
}
