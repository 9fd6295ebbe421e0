package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.kernel.Jitter;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Jitter.class})
class JitterContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> factors() {
        return grid((size, dtype) -> Stream.of(0f, 0.01f, 0.9f).flatMap(noise -> Stream.of(true, false).flatMap(
                accumulate -> kernel(
                        size + " " + dtype + " noise " + noise + (accumulate ? " adding" : ""), Tolerance.elementwise(dtype),
                        f -> new Jitter(f.random(dtype, size.count()), f.target("y", accumulate, dtype, size.count()),
                                f.rng(0x0123_4567_89ab_cdefL, 0x1_0000_0009L), 0x1_0000_0005L, noise, accumulate)))));
    }

    @TestFactory
    Stream<DynamicTest> distribution() {
        int count = 100_000;
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        return outcome("a tenth, 100000 times",
                f -> new Jitter(f.values(FLOAT32, ones, count), f.output("y", FLOAT32, count), f.rng(1, 2), 3, 0.1f, false),
                written -> {
                    double[] values = written.getFirst().values();
                    assertTrue(Arrays.stream(values).allMatch(v -> v >= 0.9f && v <= 1.1f));
                    // Five standard deviations of a uniform distribution's mean.
                    assertEquals(1, Arrays.stream(values).average().orElseThrow(), 5 * 0.1 / Math.sqrt(3.0 * count));
                    assertTrue(Arrays.stream(values).min().orElseThrow() < 0.9005 && Arrays.stream(values).max().orElseThrow() > 1.0995);
                });
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return op("a third", Tolerance::chain, (g, dtype) -> g.output(g.tape().apply(
                new dev.sartor.op.Jitter(g.rng(4, 5), 6, 1 / 3f), g.activation(dtype, 5, 33))));
    }
}
