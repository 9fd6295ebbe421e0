package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Zero.class})
class ZeroContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> everyType() {
        return Stream.of(FLOAT32, DType.BFLOAT16, DType.FLOAT64, DType.UINT8).flatMap(dtype -> Stream.of(1, 17, 100_003)
                .flatMap(count -> outcome(count + " of " + dtype, f -> new Zero(f.output("y", dtype, count)), written -> {
                    for (byte b : written.getFirst().bytes()) {
                        assertEquals(0, b);
                    }
                })));
    }
}
