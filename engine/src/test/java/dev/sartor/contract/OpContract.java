package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.DType;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestInstance;

/**
 * What every op must keep, on every device present: the oracle's results within a tolerance, whatever
 * the garbage in its outputs and scratch; guards and inputs untouched; the same bits each time and for
 * any number of threads; gradients that finite differences confirm.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class OpContract {
    /** NaN in every float type, and -1 in integers. */
    private static final byte NANS = (byte) 0xFF;

    /** Sizes that no vector or tile length divides, and some that many do. */
    enum Size {
        ONE(1, 1),
        SMALL(3, 17),
        ODD(17, 65),
        EVEN(5, 128),
        WIDE(2, 300);

        final int rows;
        final int width;

        Size(int rows, int width) {
            this.rows = rows;
            this.width = width;
        }

        int count() {
            return rows * width;
        }

        @Override
        public String toString() {
            return rows + " x " + width;
        }
    }

    private final Set<Class<?>> ran = new HashSet<>();

    @BeforeAll
    void startOfClass() {
        ran.clear();
    }

    @AfterAll
    void everyKernelRan() {
        for (var kernel : getClass().getAnnotation(Covers.class).value()) {
            assertTrue(ran.contains(kernel), getClass().getSimpleName() + " covers " + kernel.getSimpleName() + " but never ran it");
        }
    }

    /** Tests for every size and compute type. */
    static Stream<DynamicTest> grid(BiFunction<Size, DType, Stream<DynamicTest>> tests) {
        return Stream.of(Size.values()).flatMap(size -> types().flatMap(dtype -> tests.apply(size, dtype)));
    }

    /** The types that activations have. */
    static Stream<DType> types() {
        return Stream.of(DType.FLOAT32, DType.BFLOAT16);
    }

    /** One test a device of a kernel call, which the recipe makes from a fixture's tensors. */
    Stream<DynamicTest> kernel(String label, Tolerance tolerance, Function<Fixture, Kernel> recipe) {
        return Subject.present().stream().map(subject -> DynamicTest.dynamicTest(label + " on " + subject, () -> {
            var expected = run(Subject.oracle(), NANS, recipe);
            var actual = run(subject.device(), NANS, recipe);
            assertEquals(expected.size(), actual.size());
            for (int i = 0; i < actual.size(); i++) {
                actual.get(i).assertCloseTo(expected.get(i), tolerance, label);
            }
            assertSameBits(actual, run(subject.device(), NANS, recipe), label + ": run again");
            assertSameBits(actual, run(subject.device(), (byte) 0, recipe), label + ": with other garbage before");
            for (var other : subject.devices()) {
                assertSameBits(actual, run(other, NANS, recipe), label + ": on " + other.description());
            }
        }));
    }

    /** One test a device that the outputs, once written, pass a check. */
    Stream<DynamicTest> outcome(String label, Function<Fixture, Kernel> recipe, Consumer<List<Written>> check) {
        return Subject.present().stream().map(subject -> DynamicTest.dynamicTest(
                label + " on " + subject, () -> check.accept(run(subject.device(), NANS, recipe))));
    }

    /** One test a device that the call is refused, with a message that holds all of the words. */
    Stream<DynamicTest> refused(String label, Function<Fixture, Kernel> recipe, String... words) {
        return Subject.present().stream().map(subject -> DynamicTest.dynamicTest(label + " on " + subject, () -> {
            try (var fixture = new Fixture(subject.device(), NANS)) {
                var kernel = recipe.apply(fixture);
                var exception = assertThrows(DeviceException.class, () -> fixture.submit(kernel, "model.layers.7.part"));
                for (String word : words) {
                    assertTrue(exception.getMessage().contains(word), exception.getMessage() + " does not say " + word);
                }
                assertTrue(exception.getMessage().contains("model.layers.7.part"), exception.getMessage() + " does not say where");
            }
        }));
    }

    /**
     * Tests of an op on a tape: outputs and gradients on each device in each compute type, and finite
     * differences on the oracle in float32 (bfloat16 is too coarse to differ by).
     */
    Stream<DynamicTest> op(String label, Function<DType, Tolerance> tolerance, BiConsumer<Graph, DType> recipe) {
        var differences = DynamicTest.dynamicTest(
                label + " against finite differences",
                () -> FiniteDifferences.check(label, Subject.oracle(), graph -> recipe.accept(graph, DType.FLOAT32)));
        var devices = types().flatMap(dtype -> Subject.present().stream().map(subject -> DynamicTest.dynamicTest(
                label + " " + dtype + " on a tape on " + subject,
                () -> onTape(label, subject, tolerance.apply(dtype), graph -> recipe.accept(graph, dtype)))));
        return Stream.concat(Stream.of(differences), devices);
    }

    private static void onTape(String label, Subject subject, Tolerance tolerance, Consumer<Graph> recipe) {
        var expected = Graph.run(Subject.oracle(), recipe);
        var actual = Graph.run(subject.device(), recipe);
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < actual.size(); i++) {
            actual.get(i).assertCloseTo(expected.get(i), tolerance, label);
        }
        for (var other : subject.devices()) {
            assertSameBits(actual, Graph.run(other, recipe), label + ": on " + other.description());
        }
    }

    /** Notes that a test ran a kernel by itself. */
    void ran(Class<? extends Kernel> kernel) {
        ran.add(kernel);
    }

    private List<Written> run(Device device, byte garbage, Function<Fixture, Kernel> recipe) {
        try (var fixture = new Fixture(device, garbage)) {
            var kernel = recipe.apply(fixture);
            ran.add(kernel.getClass());
            return fixture.run(kernel);
        }
    }

    private static void assertSameBits(List<Written> first, List<Written> second, String context) {
        for (int i = 0; i < first.size(); i++) {
            first.get(i).assertSameBits(second.get(i), context);
        }
    }
}
