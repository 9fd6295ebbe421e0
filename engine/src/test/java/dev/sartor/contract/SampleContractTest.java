package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.kernel.Sample;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Sample.class})
class SampleContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> drawsWithTheOracle() {
        return Stream.of(Size.values()).flatMap(size -> Stream.of(0f, 0.7f, 1f, 2f).flatMap(temperature -> Stream.of(
                        0, 1, 5, 1000)
                .flatMap(topK -> Stream.of(1f, 0.9f, 0.1f).flatMap(topP -> kernel(
                        size + " temperature " + temperature + " top_k " + topK + " top_p " + topP,
                        Tolerance.elementwise(FLOAT32), f -> new Sample(
                                f.random(FLOAT32, size.rows, size.width), f.output("tokens", DType.INT32, size.rows),
                                topK == 5 ? null : f.output("logProbs", FLOAT32, size.rows),
                                f.rng(0x9_8765_4321L, 12), temperature, topP, topK))))));
    }

    @TestFactory
    Stream<DynamicTest> tiesGoToTheLowestIndex() {
        return Stream.of(0f, 1f).flatMap(temperature -> outcome("temperature " + temperature,
                f -> new Sample(
                        f.values(FLOAT32, new double[] {1, 3, 2, 3, 3, -1}, 1, 6), f.output("tokens", DType.INT32, 1), null,
                        f.rng(1, 1), temperature, 1e-6f, 0),
                written -> assertEquals(1, written.getFirst().values()[0])));
    }

    /** Drawn as often as the softmax says, within five standard deviations. */
    @TestFactory
    Stream<DynamicTest> frequencies() {
        int rows = 20_000;
        double[] logits = {0, Math.log(2), Math.log(5), Double.NEGATIVE_INFINITY};
        double[] all = new double[rows * 4];
        for (int i = 0; i < all.length; i++) {
            all[i] = logits[i % 4];
        }
        // Of 1/8, 2/8 and 5/8, top_p of 0.7 keeps the last two.
        return Stream.of(1f, 0.7f).flatMap(topP -> outcome("top_p " + topP,
                f -> new Sample(
                        f.values(FLOAT32, all, rows, 4), f.output("tokens", DType.INT32, rows), null, f.rng(3, 4), 1, topP, 0),
                written -> {
                    double[] expected = topP == 1 ? new double[] {1 / 8.0, 2 / 8.0, 5 / 8.0, 0} : new double[] {0, 2 / 7.0, 5 / 7.0, 0};
                    double[] counts = new double[4];
                    for (double token : written.getFirst().values()) {
                        counts[(int) token]++;
                    }
                    for (int i = 0; i < 4; i++) {
                        double deviation = Math.sqrt(rows * expected[i] * (1 - expected[i]));
                        assertTrue(Math.abs(counts[i] - rows * expected[i]) <= 5 * deviation, i + " came " + counts[i] + " times");
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return Stream.of(Double.NaN, Double.POSITIVE_INFINITY).flatMap(bad -> refused(
                "logit of " + bad,
                f -> new Sample(
                        f.values(FLOAT32, new double[] {0, 1, 2, bad, 1, 1}, 2, 3), f.output("tokens", DType.INT32, 2), null,
                        f.rng(1, 1), 1, 1, 0),
                "row 1"));
    }
}
