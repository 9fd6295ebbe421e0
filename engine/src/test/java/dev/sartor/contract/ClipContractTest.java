package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.Clip;
import dev.sartor.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Clip.class})
class ClipContractTest extends OpContract {
    @TestFactory
    Stream<DynamicTest> coefficients() {
        return Stream.of(0.0, 0.25, 1.0, 9.0, 1e10).flatMap(sum -> Stream.of(0f, 0.5f, 1f, 3f).flatMap(maxNorm -> kernel(
                "sum of squares " + sum + " max_norm " + maxNorm, new Tolerance(2e-7, 0), f -> new Clip(
                        f.values(DType.FLOAT64, new double[] {sum}, 1), f.output("norm", FLOAT32, 1),
                        f.output("coefficient", FLOAT32, 1), maxNorm))));
    }

    @TestFactory
    Stream<DynamicTest> knownValues() {
        return outcome("norm 5 clipped to 1",
                f -> new Clip(
                        f.values(DType.FLOAT64, new double[] {25}, 1), f.output("norm", FLOAT32, 1),
                        f.output("coefficient", FLOAT32, 1), 1),
                written -> {
                    assertEquals(5, written.get(0).values()[0]);
                    assertEquals((float) (1 / 5.000001), written.get(1).values()[0], 1e-8);
                });
    }
}
