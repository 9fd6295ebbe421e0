package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.kernel.GroupScore;
import dev.sartor.device.kernel.Route;
import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.RouterScoring;
import dev.sartor.device.kernel.Routing;
import dev.sartor.tape.Tape;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

@Covers({Route.class, RouteBackward.class})
class RouteContractTest extends OpContract {
    /** Tokens, experts and how they are chosen. */
    private record Case(int rows, int experts, Routing routing, boolean bias) {}

    private static final List<Case> CASES = List.of(
            new Case(1, 1, Routing.softmax(1, false), false),
            new Case(1, 8, Routing.softmax(2, true), false),
            new Case(19, 8, Routing.softmax(2, false), true),
            new Case(70, 60, Routing.softmax(4, false), false),
            new Case(33, 128, Routing.softmax(8, true), false),
            new Case(5, 7, Routing.softmax(7, true), true),
            new Case(17, 33, new Routing(3, RouterScoring.SIGMOID, false, 2.5f, 1, 1, GroupScore.MAX), false),
            new Case(65, 256, new Routing(8, RouterScoring.SIGMOID, true, 2.5f, 8, 4, GroupScore.TOP2_SUM), true),
            new Case(21, 24, new Routing(6, RouterScoring.SOFTMAX, false, 16f, 6, 2, GroupScore.MAX), false),
            new Case(3, 10, new Routing(4, RouterScoring.SIGMOID, true, 1f, 5, 2, GroupScore.TOP2_SUM), false),
            new Case(9, 1024, new Routing(20, RouterScoring.SOFTMAX, true, 1f, 1, 1, GroupScore.MAX), false));

    @TestFactory
    Stream<DynamicTest> forward() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> kernel(
                c + " " + dtype, Tolerance.elementwise(FLOAT32), f -> forward(f, c, f.random(dtype, c.rows, c.experts)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> Stream.of(true, false).flatMap(accumulate -> kernel(
                c + " " + dtype + (accumulate ? " adding" : ""), Tolerance.elementwise(dtype), f -> new RouteBackward(
                        f.random(FLOAT32, c.rows, c.routing.topK()), f.random(dtype, c.rows, c.experts),
                        f.ints(distinct(c), c.rows, c.routing.topK()),
                        f.target("dLogits", accumulate, dtype, c.rows, c.experts), c.routing, accumulate)))));
    }

    private static Route forward(Fixture f, Case c, Tensor logits) {
        return new Route(logits, c.bias ? f.random(FLOAT32, c.experts) : null, f.output("indices", INT32, c.rows, c.routing.topK()),
                f.output("weights", FLOAT32, c.rows, c.routing.topK()), c.routing);
    }

    private static int[] distinct(Case c) {
        return Skew.UNIFORM.indices(c.rows, c.experts, c.routing.topK());
    }

    /** Logits, and sums of neighbours, are so far apart that a finite difference changes no choice. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return CASES.stream().filter(c -> c.experts > 1 && c.rows < 20 && c.experts < 100).flatMap(c -> op(
                c.toString(), Tolerance::elementwise, (g, dtype) -> {
                    double[] logits = IntStream.range(0, c.rows * c.experts)
                            .mapToDouble(i -> ((i + 2 * (i / c.experts)) % c.experts - c.experts / 2) * 0.125)
                            .toArray();
                    var bias = c.bias ? g.tape().constant(g.tensor(FLOAT32, new double[c.experts], c.experts)) : null;
                    var routed = g.tape().applyAll(new dev.sartor.op.Route(c.routing),
                            g.activationOf(dtype, logits, c.rows, c.experts), bias);
                    g.output(routed.get(dev.sartor.op.Route.WEIGHTS));
                }));
    }

    /** Softmax over all, normalized, is the softmax over the chosen. */
    @TestFactory
    Stream<DynamicTest> knownValues() {
        double[] logits = {0, Math.log(2), Math.log(5), Math.log(3)};
        return Stream.of(true, false).flatMap(norm -> outcome(norm ? "over the chosen" : "over all",
                f -> forward(f, new Case(1, 4, Routing.softmax(2, norm), false), f.values(FLOAT32, logits, 1, 4)),
                written -> {
                    assertArrayEquals(new double[] {2, 3}, written.get(0).values());
                    double total = norm ? 8 : 11;
                    assertArrayEquals(new double[] {5 / total, 3 / total}, written.get(1).values(), 1e-6);
                }));
    }

    @TestFactory
    Stream<DynamicTest> equalLogitsGoToTheLowerIndex() {
        return types().flatMap(dtype -> outcome(dtype.toString(),
                f -> forward(f, new Case(1, 6, Routing.softmax(4, false), false),
                        f.values(dtype, new double[] {-0.0, 3, 0, 3, 3, 0}, 1, 6)),
                written -> assertArrayEquals(new double[] {1, 3, 4, 0}, written.getFirst().values())));
    }

    /** The bias chooses and does not weigh; sigmoids that float32 cannot tell apart are told apart by their logits. */
    @TestFactory
    Stream<DynamicTest> biasIsForTheChoiceOnly() {
        var routing = new Routing(1, RouterScoring.SIGMOID, false, 2, 1, 1, GroupScore.MAX);
        return Stream.concat(
                outcome("bias", f -> new Route(f.values(FLOAT32, new double[] {0, 3}, 1, 2), f.values(FLOAT32, new double[] {1, 0}, 2),
                                f.output("indices", INT32, 1, 1), f.output("weights", FLOAT32, 1, 1), routing),
                        written -> {
                            assertEquals(0, written.get(0).values()[0]);
                            assertEquals(1, written.get(1).values()[0], 1e-6);
                        }),
                outcome("saturated", f -> forward(f, new Case(1, 3, routing, false), f.values(FLOAT32, new double[] {30, 31, 30.5}, 1, 3)),
                        written -> assertEquals(1, written.getFirst().values()[0])));
    }

    /** Groups {1, 1.2}, {5, -5}, {2, 2.5}: by their best the second, by their two best the third. */
    @TestFactory
    Stream<DynamicTest> groupsAreChosenFirst() {
        return Stream.of(GroupScore.values()).flatMap(score -> outcome(score.toString(),
                f -> forward(f, new Case(1, 6, new Routing(2, RouterScoring.SIGMOID, true, 1, 3, 1, score), false),
                        f.values(FLOAT32, new double[] {1, 1.2, 5, -5, 2, 2.5}, 1, 6)),
                written -> assertArrayEquals(score == GroupScore.MAX ? new double[] {2, 3} : new double[] {5, 4},
                        written.getFirst().values())));
    }

    /** It is chosen last, and where it is chosen or was summed, the weights say so. */
    @TestFactory
    Stream<DynamicTest> nanReachesTheWeights() {
        return outcome("NaN", f -> forward(f, new Case(1, 3, Routing.softmax(2, false), false),
                        f.values(FLOAT32, new double[] {Double.NaN, 1, 2}, 1, 3)),
                written -> {
                    assertArrayEquals(new double[] {2, 1}, written.get(0).values());
                    assertTrue(Double.isNaN(written.get(1).values()[0]));
                });
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        return refused("index", f -> new RouteBackward(
                f.random(FLOAT32, 2, 1), f.random(FLOAT32, 2, 3), f.ints(new int[] {0, 3}, 2, 1), f.output("dLogits", FLOAT32, 2, 3),
                Routing.softmax(1, false), false), "indices[1] is 3");
    }

    @Test
    void moreThanThereAreIsRefused() {
        var tape = Tape.inference();
        var logits = tape.constant(Tensor.unplaced(TensorSpec.of(DType.FLOAT32, 2, 3)));
        var message = assertThrows(IllegalArgumentException.class,
                () -> tape.applyAll(new dev.sartor.op.Route(Routing.softmax(4, true)), logits, null)).getMessage();
        assertTrue(message.contains("top_k 4"), message);
    }
}
