package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.sartor.device.kernel.AdamW;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({AdamW.class})
class AdamWContractTest extends OpContract {
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;

    @TestFactory
    Stream<DynamicTest> steps() {
        return Stream.of(1, 3, 17, 65, 10_007).flatMap(count -> Stream.of(1, 2, 1000).flatMap(step ->
                Stream.of(true, false).flatMap(clipped -> kernel(
                        count + " at step " + step + (clipped ? " clipped" : ""), new Tolerance(2e-6, 2e-7),
                        f -> new AdamW(
                                f.changed("parameter", FLOAT32, count), f.random(FLOAT32, count),
                                f.changed("m", FLOAT32, count),
                                f.changed("v", FLOAT32, Arrays.stream(new double[count]).map(v -> 0.5 + v).toArray(), count),
                                clipped ? f.values(FLOAT32, new double[] {0.25}, 1) : null, f.schedule(1e-2f, step),
                                BETA1, BETA2, 1e-8f, 0.1f)))));
    }

    /** The first step moves each element by the learning rate against its gradient's sign, after the decay. */
    @TestFactory
    Stream<DynamicTest> firstStep() {
        return outcome("from 1 with gradient 0.5",
                f -> new AdamW(
                        f.changed("parameter", FLOAT32, new double[] {1, 1}, 2),
                        f.values(FLOAT32, new double[] {0.5, -2}, 2), f.changed("m", FLOAT32, new double[2], 2),
                        f.changed("v", FLOAT32, new double[2], 2), null, f.schedule(0.1f, 1), BETA1, BETA2, 1e-8f, 0.01f),
                written -> {
                    assertArrayEquals(new double[] {0.999 - 0.1, 0.999 + 0.1}, written.get(0).values(), 1e-6);
                    assertArrayEquals(new double[] {0.05, -0.2}, written.get(1).values(), 1e-7);
                    assertArrayEquals(new double[] {0.00025, 0.004}, written.get(2).values(), 1e-7);
                });
    }
}
