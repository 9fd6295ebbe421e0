package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.kernel.RouterLosses;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({RouterLosses.class})
class RouterLossesContractTest extends OpContract {
    private record Case(int layers, int rows, int experts, int topK, boolean weighted) {}

    private static final List<Case> CASES = List.of(
            new Case(1, 1, 1, 1, false), new Case(1, 1, 8, 2, true), new Case(3, 19, 5, 2, true), new Case(2, 1100, 8, 2, false),
            new Case(2, 33, 130, 8, true));

    @TestFactory
    Stream<DynamicTest> lossesAndGradients() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> kernel(
                c + " " + dtype, Tolerance.chain(dtype), f -> losses(f, c, dtype))));
    }

    private static RouterLosses losses(Fixture f, Case c, DType dtype) {
        // Every other layer's router is frozen.
        var layers = IntStream.range(0, c.layers)
                .mapToObj(i -> new RouterLosses.Layer(f.random(dtype, c.rows, c.experts),
                        i % 2 == 0 ? f.output("dLogits" + i, dtype, c.rows, c.experts) : null))
                .toList();
        return new RouterLosses(layers, c.weighted ? f.values(FLOAT32, mask(c.rows), c.rows) : null,
                c.weighted ? f.values(FLOAT32, new double[] {0.25}, 1) : null, f.output("losses", FLOAT32, 2), c.topK, 40f, 3f);
    }

    /** The first token is padding, the last too, unless it is the only one. */
    private static double[] mask(int rows) {
        return IntStream.range(0, rows).mapToDouble(t -> rows > 1 && (t == 0 || t == rows - 1) ? 0 : 1).toArray();
    }

    /** Equal logits: top_k, since each of the shares adds up to that, and log(experts)^2. */
    @TestFactory
    Stream<DynamicTest> knownValues() {
        return outcome("equal logits", f -> new RouterLosses(
                        List.of(new RouterLosses.Layer(f.values(FLOAT32, new double[3 * 4], 3, 4), null)), null, null,
                        f.output("losses", FLOAT32, 2), 2, 1, 1),
                written -> {
                    assertEquals(2, written.getFirst().values()[0], 1e-6);
                    assertEquals(Math.pow(Math.log(4), 2), written.getFirst().values()[1], 1e-6);
                });
    }

    @TestFactory
    Stream<DynamicTest> paddingAlone() {
        return outcome("no token counts", f -> new RouterLosses(
                        List.of(new RouterLosses.Layer(f.random(FLOAT32, 3, 4), f.output("dLogits", FLOAT32, 3, 4))),
                        f.values(FLOAT32, new double[3], 3), null, f.output("losses", FLOAT32, 2), 2, 1, 1),
                written -> written.forEach(each -> {
                    for (double value : each.values()) {
                        assertEquals(0, value);
                    }
                }));
    }

    /** So far apart that a finite difference changes no choice. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return Stream.of(new Case(1, 5, 4, 2, false), new Case(3, 7, 6, 1, true)).flatMap(c -> op(
                c.toString(), Tolerance::chain, (g, dtype) -> {
                    var inputs = IntStream.range(0, c.layers)
                            .mapToObj(layer -> g.activationOf(dtype, IntStream.range(0, c.rows * c.experts)
                                    .mapToDouble(i -> ((i + (layer + 2) * (i / c.experts)) % c.experts - c.experts / 2) * 0.25)
                                    .toArray(), c.rows, c.experts))
                            .toArray(Var[]::new);
                    var op = new dev.sartor.op.RouterLosses(c.topK, 5f, 0.5f,
                            c.weighted ? g.tensor(FLOAT32, mask(c.rows), c.rows) : null, null);
                    g.losses(g.tape().apply(op, inputs), new double[] {5, 0.5});
                }));
    }
}
