package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.WeightedSum;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({WeightedSum.class})
class WeightedSumContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> sums() {
        return Stream.of(1, 3, 17, 65, 100_003).flatMap(count -> Stream.of(true, false).flatMap(weighted ->
                Stream.of(true, false).flatMap(accumulate -> kernel(
                        count + (weighted ? " weighted" : "") + (accumulate ? " adding" : ""),
                        // The sum is in double: what is lost is in storing it, and in what it is added to.
                        new Tolerance(2e-7, 2e-7), f -> new WeightedSum(
                                f.random(FLOAT32, count), weighted ? f.random(FLOAT32, count) : null,
                                f.target("out", accumulate, FLOAT32, 1), accumulate)))));
    }
}
