package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.kernel.SumSquares;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({SumSquares.class})
class SumSquaresContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> sums() {
        return Stream.of(1, 3, 17, 65, 100_003).flatMap(count -> Stream.of(true, false).flatMap(accumulate -> kernel(
                count + (accumulate ? " adding" : ""), new Tolerance(1e-12, 0), f -> new SumSquares(
                        f.random(FLOAT32, count), f.target("out", accumulate, DType.FLOAT64, 1), accumulate))));
    }

    /** Squares that float32 cannot hold. */
    @TestFactory
    Stream<DynamicTest> inDouble() {
        return kernel("1e30 squared", new Tolerance(1e-12, 0), f -> new SumSquares(
                f.values(FLOAT32, new double[] {1e30, -1e30, 1e-30}, 3), f.output("out", DType.FLOAT64, 1), false));
    }
}
