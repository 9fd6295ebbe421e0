package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.Convert;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Convert.class})
class ConvertContractTest extends OpContract {
    /** Below the normal numbers, where processors may flush to zero. */
    private static final Tolerance EXACT_IF_NORMAL = new Tolerance(0, 0, Float.MIN_NORMAL);

    @TestFactory
    Stream<DynamicTest> everyPairOfTypes() {
        double[] values = {0, -0.0, 1, 1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-11, 65504, 65520, 1e-7, -1e-40, 3.4e38,
            Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -2.5, 1 / 3.0, 0x1p-24};
        return Stream.of(FLOAT32, DType.BFLOAT16, DType.FLOAT16).flatMap(from ->
                Stream.of(FLOAT32, DType.BFLOAT16, DType.FLOAT16).flatMap(to -> Stream.concat(
                        kernel(from + " to " + to, EXACT_IF_NORMAL, f -> new Convert(
                                f.values(from, values, values.length), f.output("y", to, values.length))),
                        Stream.of(Size.values()).flatMap(size -> kernel(from + " to " + to + " " + size, Tolerance.EXACT,
                                f -> new Convert(f.random(from, size.count()), f.output("y", to, size.count())))))));
    }
}
