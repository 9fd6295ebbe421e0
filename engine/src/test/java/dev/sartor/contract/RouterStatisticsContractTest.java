package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.sartor.device.kernel.RouterScoring;
import dev.sartor.device.kernel.RouterStatistics;
import dev.sartor.tensor.DType;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({RouterStatistics.class})
class RouterStatisticsContractTest extends OpContract {
    private record Case(int rows, int experts, int topK, RouterScoring scoring, boolean weighted) {}

    private static final List<Case> CASES = List.of(
            new Case(1, 1, 1, RouterScoring.SOFTMAX, false), new Case(19, 5, 2, RouterScoring.SIGMOID, true),
            new Case(1100, 8, 2, RouterScoring.SOFTMAX, true), new Case(33, 130, 8, RouterScoring.SOFTMAX, false));

    @TestFactory
    Stream<DynamicTest> sums() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> kernel(c + " " + dtype, Tolerance.product(FLOAT32), f -> statistics(f, c, dtype))));
    }

    private static RouterStatistics statistics(Fixture f, Case c, DType dtype) {
        int[] indices = IntStream.range(0, c.rows * c.topK).map(a -> (a * 7 + a / c.topK) % c.experts).toArray();
        int[] inverse = IntStream.range(0, c.rows * c.topK).map(a -> a % 3 == 1 ? -1 : a).toArray();
        double[] mask = IntStream.range(0, c.rows).mapToDouble(t -> t % 4 == 3 ? 0 : 1).toArray();
        return new RouterStatistics(f.random(dtype, c.rows, c.experts), f.ints(indices, c.rows, c.topK), f.ints(inverse, c.rows, c.topK),
                c.weighted ? f.values(FLOAT32, mask, c.rows) : null, f.output("statistics", FLOAT32, c.experts + 3), c.scoring);
    }

    /** Of two tokens that count, one is undecided between two experts, the other sure; the second's other choice is dropped. */
    @TestFactory
    Stream<DynamicTest> knownValues() {
        return outcome("one undecided, one sure", f -> new RouterStatistics(
                        f.values(FLOAT32, new double[] {0, 0, -1000, 0, -1000, -1000, 5, 5, 5}, 3, 3),
                        f.ints(new int[] {0, 1, 0, 2, 2, 1}, 3, 2), f.ints(new int[] {0, 2, 1, -1, 3, -1}, 3, 2),
                        f.values(FLOAT32, new double[] {1, 1, 0}, 3), f.output("statistics", FLOAT32, 6), RouterScoring.SOFTMAX),
                written -> assertArrayEquals(new double[] {2, 1, 1, Math.log(2), 1, 2}, written.getFirst().values(), 1e-6));
    }

    @TestFactory
    Stream<DynamicTest> refusesOtherIndices() {
        return refused("an index too high", f -> new RouterStatistics(f.random(FLOAT32, 1, 3), f.ints(new int[] {3}, 1, 1),
                f.ints(new int[] {0}, 1, 1), null, f.output("statistics", FLOAT32, 6), RouterScoring.SOFTMAX), "indices", "3");
    }
}
