package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.Device;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Compares each leaf's gradient with directional derivatives. Along a direction of random signs all
 * elements count, each as much as the others. The oracle computes in double but stores float32, so a
 * step of 2^-7 with the four-point central difference leaves about 1e-5 of rounding and less of
 * truncation; {@link #TOLERANCE} is relative to the gradient's Euclidean norm, which is the typical
 * size of such a derivative.
 */
final class FiniteDifferences {
    private static final double STEP = 0x1p-7;
    private static final double TOLERANCE = 3e-4;
    private static final int DIRECTIONS = 3;

    private FiniteDifferences() {}

    static void check(String label, Device oracle, Consumer<Graph> recipe) {
        var values = Graph.leafValues(oracle, recipe);
        var gradients = Graph.leafGradients(oracle, recipe);
        assertTrue(!values.isEmpty(), label + " has nothing to differentiate");
        var random = new Random(3);
        for (int leaf = 0; leaf < values.size(); leaf++) {
            double norm = Math.sqrt(Arrays.stream(gradients.get(leaf)).map(g -> g * g).sum());
            assertTrue(norm > 0, label + ": the gradient of leaf " + leaf + " is zero, which tests nothing");
            for (int i = 0; i < DIRECTIONS; i++) {
                double[] direction = random.doubles(values.get(leaf).length).map(u -> u < 0.5 ? -1 : 1).toArray();
                double expected = derivative(oracle, recipe, leaf, values.get(leaf), direction);
                double actual = 0;
                for (int j = 0; j < direction.length; j++) {
                    actual += gradients.get(leaf)[j] * direction[j];
                }
                assertTrue(Math.abs(expected - actual) <= TOLERANCE * norm,
                        "%s: leaf %d along direction %d: gradient %s, finite difference %s, norm %s".formatted(
                                label, leaf, i, actual, expected, norm));
            }
        }
    }

    private static double derivative(Device oracle, Consumer<Graph> recipe, int leaf, double[] at, double[] direction) {
        double near = at(oracle, recipe, leaf, at, direction, STEP) - at(oracle, recipe, leaf, at, direction, -STEP);
        double far = at(oracle, recipe, leaf, at, direction, 2 * STEP) - at(oracle, recipe, leaf, at, direction, -2 * STEP);
        return (8 * near - far) / (12 * STEP);
    }

    private static double at(
            Device oracle, Consumer<Graph> recipe, int leaf, double[] at, double[] direction, double step) {
        var moved = new double[at.length];
        Arrays.setAll(moved, i -> at[i] + step * direction[i]);
        return Graph.scalar(oracle, recipe, Map.of(leaf, moved));
    }
}
