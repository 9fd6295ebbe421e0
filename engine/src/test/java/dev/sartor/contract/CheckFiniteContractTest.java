package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.CheckFinite;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({CheckFinite.class})
class CheckFiniteContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> findsTheFirst() {
        return types().flatMap(dtype -> Stream.of(1, 3, 17, 65, 70_001).flatMap(count -> Stream.of(
                        Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1.0)
                .flatMap(value -> Stream.of(0, count / 2, count - 1).distinct().flatMap(at -> {
                    double[] x = new double[count];
                    x[at] = value;
                    x[count - 1] = Double.isFinite(value) ? x[count - 1] : value;
                    long expected = Double.isFinite(value) ? -1 : at;
                    return outcome(value + " at " + at + " of " + count + " " + dtype,
                            f -> new CheckFinite(f.values(dtype, x, count), f.output("found", DType.INT64, 1)),
                            written -> assertEquals(expected, written.getFirst().values()[0]));
                }))));
    }
}
