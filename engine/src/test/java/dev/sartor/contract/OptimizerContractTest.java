package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.FLOAT64;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.Adafactor;
import dev.sartor.device.kernel.Lion;
import dev.sartor.device.kernel.MuonMomentum;
import dev.sartor.device.kernel.MuonUpdate;
import dev.sartor.device.kernel.ScheduleFreeAdamW;
import dev.sartor.device.kernel.ScheduleFreeWeight;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({Lion.class, Adafactor.class, ScheduleFreeWeight.class, ScheduleFreeAdamW.class, MuonMomentum.class, MuonUpdate.class})
class OptimizerContractTest extends OpContract {
    private static final Tolerance STEP = new Tolerance(4e-6, 1e-6);

    private static Stream<Integer> counts() {
        return Stream.of(1, 17, 65, 10_007);
    }

    private static Tensor positive(Fixture f, String name, int count) {
        double[] values = new double[count];
        Arrays.setAll(values, i -> 0.5 + (i % 7) * 0.1);
        return f.changed(name, FLOAT32, values, count);
    }

    private static Tensor scale(Fixture f, boolean clipped) {
        return clipped ? f.values(FLOAT32, new double[] {0.25}, 1) : null;
    }

    private static Stream<Boolean> both() {
        return Stream.of(true, false);
    }

    @TestFactory
    Stream<DynamicTest> lion() {
        return counts().flatMap(count -> both().flatMap(clipped -> kernel("lion of " + count + (clipped ? " clipped" : ""), STEP,
                f -> new Lion(f.changed("parameter", FLOAT32, count), f.random(FLOAT32, count), f.changed("m", FLOAT32, count),
                        scale(f, clipped), f.schedule(1e-2f, 3), 0.9f, 0.99f, 0.1f))));
    }

    @TestFactory
    Stream<DynamicTest> lionStandsStillWhereNothingPulls() {
        return outcome("zero, and both signs", f -> new Lion(f.changed("parameter", FLOAT32, new double[] {1, 1, 1}, 3),
                        f.values(FLOAT32, new double[] {0, 2, -3}, 3), f.changed("m", FLOAT32, new double[3], 3), null,
                        f.schedule(0.5f, 1), 0.9f, 0.99f, 0),
                written -> assertArrayEquals(new double[] {1, 0.5, 1.5}, written.getFirst().values()));
    }

    @TestFactory
    Stream<DynamicTest> adafactorOfMatrices() {
        return Stream.of(Size.values()).flatMap(size -> Stream.of(1, 50).flatMap(step -> both().flatMap(scaled -> kernel(
                "adafactor " + size + " at step " + step + (scaled ? " scaled" : ""), new Tolerance(1e-5, 2e-6),
                f -> new Adafactor(f.changed("parameter", FLOAT32, size.rows, size.width), f.random(FLOAT32, size.rows, size.width),
                        positive(f, "row", size.rows), positive(f, "column", size.width), null, scale(f, scaled),
                        f.schedule(1e-2f, step), -0.8f, 1e-30f, 1e-3f, 0.7f, 0.1f, scaled)))));
    }

    @TestFactory
    Stream<DynamicTest> adafactorOfVectors() {
        return counts().flatMap(count -> both().flatMap(scaled -> kernel("adafactor " + count + (scaled ? " scaled" : ""),
                new Tolerance(1e-5, 2e-6), f -> new Adafactor(f.changed("parameter", FLOAT32, count), f.random(FLOAT32, count), null,
                        null, positive(f, "v", count), scale(f, scaled), f.schedule(1e-2f, 5), -0.8f, 1e-30f, 1e-3f, 0.7f, 0.1f,
                        scaled))));
    }

    @TestFactory
    Stream<DynamicTest> scheduleFreeWeight() {
        return Stream.of(0f, 1e-3f, 2e-2f).flatMap(rate -> Stream.of(1, 7).flatMap(step -> Stream.of(0f, 1f).flatMap(r -> kernel(
                "weight at rate " + rate + ", step " + step + ", r " + r, new Tolerance(1e-6, 0), f -> new ScheduleFreeWeight(
                        f.schedule(rate, step), f.changed("state", FLOAT64, new double[] {1e-2, 3e-4}, 2),
                        f.output("weight", FLOAT32, 1), r, 2)))));
    }

    @TestFactory
    Stream<DynamicTest> scheduleFreeWeightOfNothing() {
        return outcome("a first step at rate 0", f -> new ScheduleFreeWeight(f.schedule(0, 1),
                        f.changed("state", FLOAT64, new double[2], 2), f.output("weight", FLOAT32, 1), 0, 2),
                written -> assertEquals(0, written.getLast().values()[0]));
    }

    @TestFactory
    Stream<DynamicTest> scheduleFreeAdamW() {
        return counts().flatMap(count -> both().flatMap(clipped -> kernel("schedule-free " + count + (clipped ? " clipped" : ""), STEP,
                f -> new ScheduleFreeAdamW(f.changed("y", FLOAT32, count), f.random(FLOAT32, count), f.changed("z", FLOAT32, count),
                        positive(f, "v", count), scale(f, clipped), f.schedule(1e-2f, 3), f.values(FLOAT32, new double[] {0.3}, 1),
                        0.9f, 0.999f, 1e-8f, 0.1f))));
    }

    @TestFactory
    Stream<DynamicTest> muonMomentum() {
        return counts().flatMap(count -> both().flatMap(nesterov -> kernel("momentum " + count + (nesterov ? " nesterov" : ""), STEP,
                f -> new MuonMomentum(f.random(FLOAT32, count), f.changed("buffer", FLOAT32, count),
                        f.output("direction", FLOAT32, count), scale(f, nesterov), 0.95f, 1e-7f, nesterov))));
    }

    @TestFactory
    Stream<DynamicTest> muonMomentumOfNothing() {
        return outcome("a gradient of zeros", f -> new MuonMomentum(f.values(FLOAT32, new double[2], 2),
                        f.changed("buffer", FLOAT32, new double[2], 2), f.output("direction", FLOAT32, 2), null, 0.95f, 1e-7f, true),
                written -> assertArrayEquals(new double[2], written.getLast().values()));
    }

    @TestFactory
    Stream<DynamicTest> muonUpdate() {
        return counts().flatMap(count -> kernel("update " + count, STEP, f -> new MuonUpdate(
                f.changed("parameter", FLOAT32, count), f.random(FLOAT32, count), f.schedule(1e-2f, 3), 1.5f, 0.1f)));
    }
}
