package dev.sartor.contract;

import static dev.sartor.tensor.DType.INT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sartor.device.kernel.Dispatch;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

@Covers({Dispatch.class})
class DispatchContractTest extends OpContract {
    private record Sizes(int tokens, int experts, int topK) {}

    private static final List<Sizes> SIZES = List.of(
            new Sizes(1, 1, 1), new Sizes(1, 8, 2), new Sizes(17, 5, 2), new Sizes(300, 8, 2), new Sizes(1031, 60, 4),
            new Sizes(70, 1024, 8));

    @TestFactory
    Stream<DynamicTest> order() {
        return SIZES.stream().flatMap(s -> Stream.of(Skew.values()).flatMap(skew -> Stream.of(0L, 1L, 7L).flatMap(capacity -> kernel(
                s + " " + skew + " capacity " + capacity, Tolerance.EXACT,
                f -> dispatch(f, skew.indices(s.tokens, s.experts, s.topK), s, capacity)))));
    }

    private static Dispatch dispatch(Fixture f, int[] indices, Sizes s, long capacity) {
        return new Dispatch(f.ints(indices, s.tokens, s.topK), f.output("offsets", INT32, s.experts + 1),
                f.output("permutation", INT32, indices.length), f.output("inverse", INT32, s.tokens, s.topK),
                f.output("load", INT32, s.experts), capacity);
    }

    /** The last of an expert's assignments are dropped; its load counts them. */
    @TestFactory
    Stream<DynamicTest> knownValues() {
        int[] indices = {2, 0, 2, 1, 2, 0};
        return Stream.of(0, 2).flatMap(capacity -> outcome("capacity " + capacity,
                f -> dispatch(f, indices, new Sizes(3, 4, 2), capacity), written -> {
                    boolean all = capacity == 0;
                    assertArrayEquals(new double[] {0, 2, 3, all ? 6 : 5, all ? 6 : 5}, written.get(0).values());
                    assertArrayEquals(new double[] {1, 5, 3, 0, 2, all ? 4 : -1}, written.get(1).values());
                    assertArrayEquals(new double[] {3, 0, 4, 2, all ? 5 : -1, 1}, written.get(2).values());
                    assertArrayEquals(new double[] {2, 1, 3, 0}, written.get(3).values());
                }));
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return Stream.of(-1, 4).flatMap(bad -> refused("expert " + bad,
                f -> dispatch(f, new int[] {0, 1, 2, bad, bad, 1}, new Sizes(3, 4, 2), 0), "indices[3] is " + bad));
    }

    /** Among so many assignments that several threads look at them, the first bad one is named. */
    @TestFactory
    Stream<DynamicTest> refusalsAmongMany() {
        var sizes = new Sizes(1031, 60, 4);
        int[] indices = Skew.UNIFORM.indices(sizes.tokens, sizes.experts, sizes.topK);
        indices[2000] = 60;
        indices[4000] = -7;
        return refused("experts 60 and -7", f -> dispatch(f, indices, sizes, 0), "indices[2000] is 60");
    }

    @Test
    void capacities() {
        assertEquals(0, dev.sartor.op.Dispatch.capacity(0, 100, 8));
        assertEquals(13, dev.sartor.op.Dispatch.capacity(1, 100, 8));
        assertEquals(16, dev.sartor.op.Dispatch.capacity(1.25, 100, 8));
        assertEquals(1, dev.sartor.op.Dispatch.capacity(0.5, 1, 8));
        assertThrows(IllegalArgumentException.class, () -> dev.sartor.op.Dispatch.capacity(-1, 100, 8));
        assertThrows(IllegalArgumentException.class, () -> dev.sartor.op.Dispatch.capacity(Double.NaN, 100, 8));
    }
}
