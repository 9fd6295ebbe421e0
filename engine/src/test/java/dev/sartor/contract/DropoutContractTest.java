package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.kernel.Dropout;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Dropout.class})
class DropoutContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> masks() {
        return grid((size, dtype) -> Stream.of(0f, 0.1f, 0.5f, 0.9f).flatMap(probability -> Stream.of(true, false).flatMap(
                accumulate -> kernel(
                        size + " " + dtype + " probability " + probability + (accumulate ? " adding" : ""),
                        Tolerance.elementwise(dtype), f -> new Dropout(
                                f.random(dtype, size.count()), f.target("y", accumulate, dtype, size.count()),
                                f.rng(0x0123_4567_89ab_cdefL, 0x1_0000_0009L), 0x1_0000_0005L, probability, accumulate)))));
    }

    /** Kept elements are scaled so that the mean stays; as many are dropped as asked. */
    @TestFactory
    Stream<DynamicTest> frequency() {
        int count = 100_000;
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return outcome("a quarter of 100000",
                f -> new Dropout(f.values(FLOAT32, ones, count), f.output("y", FLOAT32, count), f.rng(1, 2), 3, 0.25f, false),
                written -> {
                    int dropped = 0;
                    for (double value : written.getFirst().values()) {
                        assertTrue(value == 0 || value == (float) (1 / 0.75), "" + value);
                        dropped += value == 0 ? 1 : 0;
                    }
                    // Five standard deviations of the binomial distribution.
                    assertEquals(0.25 * count, dropped, 5 * Math.sqrt(count * 0.25 * 0.75));
                });
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return op("a third", Tolerance::chain, (g, dtype) -> g.output(g.tape().apply(
                new dev.sartor.op.Dropout(g.rng(4, 5), 6, 1 / 3f), g.activation(dtype, 5, 33))));
    }
}
