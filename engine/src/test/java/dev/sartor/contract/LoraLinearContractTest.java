package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Covers({LoraLinear.class, LoraLinearBackward.class})
class LoraLinearContractTest extends OpContract {
    /** What a linear layer's call is made of; rank 0: without an adapter. */
    private record Case(int rows, int in, int out, int rank, boolean bias, float dropout) {
        @Override
        public String toString() {
            return rows + " x " + in + " to " + out + " rank " + rank + (bias ? " bias" : "") + (dropout > 0 ? " dropout" : "");
        }
    }

    private static final float SCALING = 1.5f;
    private static final List<Case> CASES = List.of(
            new Case(1, 1, 1, 0, false, 0),
            new Case(1, 1, 1, 1, true, 0),
            new Case(3, 17, 5, 0, true, 0),
            new Case(3, 17, 5, 3, true, 0.5f),
            new Case(17, 65, 33, 8, false, 0),
            new Case(33, 64, 128, 16, false, 0.1f),
            new Case(5, 300, 17, 4, true, 0),
            new Case(70, 130, 200, 5, true, 0.25f),
            new Case(1, 96, 257, 8, false, 0));

    /** Weights as their type and layout say. */
    private record Stored(Layout layout, DType dtype) {}

    private static Stream<Stored> stored(DType dtype) {
        return Stream.of(
                new Stored(Layout.ROW_MAJOR, dtype), new Stored(Layout.PACKED, dtype), new Stored(Layout.ROW_MAJOR, FLOAT32));
    }

    @TestFactory
    Stream<DynamicTest> forward() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> stored(dtype).distinct().flatMap(weight -> kernel(
                c + " " + dtype + " by " + weight, Tolerance.product(dtype), f -> forward(f, c, dtype, weight)))));
    }

    @TestFactory
    Stream<DynamicTest> forwardWithFloat16Weights() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> kernel(
                c + " " + dtype, Tolerance.product(dtype),
                f -> forward(f, c, dtype, new Stored(Layout.ROW_MAJOR, DType.FLOAT16)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> stored(dtype).distinct().flatMap(weight -> Stream.of(
                        true, false)
                .flatMap(accumulate -> kernel(
                        c + " " + dtype + " by " + weight + (accumulate ? " adding" : ""), Tolerance.product(dtype),
                        f -> backward(f, c, dtype, weight, accumulate, true, true, true, c.bias()))))));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfSome() {
        return CASES.stream().flatMap(c -> types().flatMap(dtype -> {
            var weight = new Stored(Layout.PACKED, dtype);
            return Stream.of(
                            kernel("dx alone " + c + " " + dtype, Tolerance.product(dtype),
                                    f -> backward(f, c, dtype, weight, false, true, false, false, false)),
                            kernel("adapter alone " + c + " " + dtype, Tolerance.product(dtype),
                                    f -> backward(f, c, dtype, weight, false, false, true, false, false)),
                            kernel("weight and bias alone " + c + " " + dtype, Tolerance.product(dtype),
                                    f -> backward(f, c, dtype, weight, false, false, false, true, true)))
                    .flatMap(tests -> tests);
        }));
    }

    @TestFactory
    Stream<DynamicTest> gradients() {
        return CASES.stream().filter(c -> c.rank() > 0).flatMap(c -> op(
                c + " adapter", Tolerance::product, (g, dtype) -> {
                    var rng = c.dropout() > 0 ? g.rng(5, 7) : null;
                    var op = new dev.sartor.op.LoraLinear(g.weight(dtype, c.out(), c.in()), SCALING, c.dropout(), rng, 11);
                    g.output(g.tape().apply(
                            op, g.activation(dtype, c.rows(), c.in()), null, c.bias() ? g.parameter(c.out()) : null,
                            g.parameter(c.rank(), c.in()), g.parameter(c.out(), c.rank())));
                }));
    }

    @TestFactory
    Stream<DynamicTest> gradientsOfTheWeight() {
        return CASES.stream().filter(c -> c.rank() == 0).flatMap(c -> op(c + " full", Tolerance::product, (g, dtype) -> {
            var weight = g.parameter(c.out(), c.in());
            var op = dev.sartor.op.LoraLinear.plain(Matrix.rowMajor(weight.value()));
            g.output(g.tape().apply(
                    op, g.activation(dtype, c.rows(), c.in()), weight, c.bias() ? g.parameter(c.out()) : null, null, null));
        }));
    }

    /** One value that two layers read: their gradients add up. */
    @TestFactory
    Stream<DynamicTest> gradientsOfASharedInput() {
        return op("shared input", Tolerance::product, (g, dtype) -> {
            var x = g.activation(dtype, 9, 33);
            for (int i = 0; i < 2; i++) {
                var op = new dev.sartor.op.LoraLinear(g.weight(dtype, 17, 33), SCALING, 0, null, i);
                g.output(g.tape().apply(op, x, null, null, g.parameter(4, 33), g.parameter(17, 4)));
            }
        });
    }

    /** Layers of one input: features out and rank of each, 0 without an adapter. */
    private record Several(int rows, int in, int[] outs, int[] ranks, boolean bias) {
        @Override
        public String toString() {
            return rows + " x " + in + " to " + Arrays.toString(outs) + " ranks " + Arrays.toString(ranks) + (bias ? " bias" : "");
        }

        int count() {
            return outs.length;
        }
    }

    private static final List<Several> SEVERAL = List.of(
            new Several(1, 1, new int[] {1, 1}, new int[] {1, 0}, true),
            new Several(3, 17, new int[] {5, 70, 3}, new int[] {3, 0, 5}, true),
            new Several(33, 64, new int[] {128, 64, 64}, new int[] {16, 16, 16}, false),
            new Several(5, 300, new int[] {17, 17}, new int[] {0, 0}, true),
            // Ranks that share no panel, and outs that make passes of their own.
            new Several(70, 130, new int[] {300, 20, 310}, new int[] {40, 33, 8}, false),
            new Several(7, 40, new int[] {1100, 30, 270}, new int[] {200, 100, 1}, true),
            new Several(2, 96, new int[] {257, 64, 1}, new int[] {0, 8, 0}, false));

    @TestFactory
    Stream<DynamicTest> forwardOfSeveral() {
        return several((c, dtype, stored) -> kernel(
                c + " " + dtype + " by " + stored, Tolerance.product(dtype), f -> severalForward(f, c, dtype, stored)));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfSeveral() {
        return several((c, dtype, stored) -> Stream.of(true, false).flatMap(accumulate -> kernel(
                c + " " + dtype + " by " + stored + (accumulate ? " adding" : ""), Tolerance.product(dtype),
                f -> severalBackward(f, c, dtype, stored, accumulate, true, stored.layout() == Layout.ROW_MAJOR))));
    }

    @TestFactory
    Stream<DynamicTest> adaptersOfSeveralAlone() {
        return several((c, dtype, stored) -> kernel(
                c + " " + dtype + " by " + stored, Tolerance.product(dtype),
                f -> severalBackward(f, c, dtype, stored, false, false, false)));
    }

    @TestFactory
    Stream<DynamicTest> gradientsOfSeveral() {
        return SEVERAL.stream().filter(c -> Arrays.stream(c.outs()).sum() < 100).flatMap(c -> op(c.toString(), Tolerance::product, (g, dtype) -> {
            var layers = new ArrayList<dev.sartor.op.LoraLinear.Layer>();
            var inputs = new ArrayList<>(Arrays.asList(g.activation(dtype, c.rows(), c.in())));
            for (int i = 0; i < c.count(); i++) {
                layers.add(new dev.sartor.op.LoraLinear.Layer(g.weight(dtype, c.outs()[i], c.in()), i + 0.5f));
                boolean adapter = c.ranks()[i] > 0;
                inputs.add(null);
                inputs.add(c.bias() ? g.parameter(c.outs()[i]) : null);
                inputs.add(adapter ? g.parameter(c.ranks()[i], c.in()) : null);
                inputs.add(adapter ? g.parameter(c.outs()[i], c.ranks()[i]) : null);
            }
            g.tape().applyAll(new dev.sartor.op.LoraLinear(layers, 0, null, 0), inputs.toArray(Var[]::new)).forEach(g::output);
        }));
    }

    /** An output that nobody uses has no gradient, and its layer none to give. */
    @TestFactory
    Stream<DynamicTest> gradientsOfOneAmongSeveral() {
        return op("the second of three", Tolerance::product, (g, dtype) -> {
            var layers = IntStream.range(0, 3).mapToObj(i -> new dev.sartor.op.LoraLinear.Layer(g.weight(dtype, 9, 33), SCALING)).toList();
            var x = g.activation(dtype, 5, 33);
            var a = g.parameter(4, 33);
            var b = g.parameter(9, 4);
            var outputs = g.tape().applyAll(new dev.sartor.op.LoraLinear(layers, 0, null, 0),
                    x, null, null, null, null, null, null, a, b, null, null, null, null);
            g.output(outputs.get(1));
        });
    }

    @FunctionalInterface
    private interface SeveralTest {
        Stream<DynamicTest> of(Several c, DType dtype, Stored stored);
    }

    private static Stream<DynamicTest> several(SeveralTest test) {
        return SEVERAL.stream().flatMap(c -> types().flatMap(
                dtype -> stored(dtype).distinct().flatMap(weight -> test.of(c, dtype, weight))));
    }

    private static LoraLinear severalForward(Fixture f, Several c, DType dtype, Stored stored) {
        var x = f.random(dtype, c.rows(), c.in());
        var projections = new ArrayList<LoraLinear.Projection>();
        for (int i = 0; i < c.count(); i++) {
            int out = c.outs()[i];
            int rank = c.ranks()[i];
            boolean adapter = rank > 0;
            projections.add(new LoraLinear.Projection(
                    f.weight(stored.layout(), stored.dtype(), out, c.in()), c.bias() ? f.random(FLOAT32, out) : null,
                    adapter ? factor(f, rank, c.in()) : null, adapter ? factor(f, out, rank) : null,
                    f.output("y" + i, dtype, c.rows(), out), adapter ? f.output("h" + i, FLOAT32, c.rows(), rank) : null,
                    SCALING - i));
        }
        return new LoraLinear(x, projections, null, 0, 0);
    }

    private static LoraLinearBackward severalBackward(
            Fixture f, Several c, DType dtype, Stored stored, boolean accumulate, boolean dx, boolean full) {
        var x = f.random(dtype, c.rows(), c.in());
        var projections = new ArrayList<LoraLinearBackward.Projection>();
        for (int i = 0; i < c.count(); i++) {
            int out = c.outs()[i];
            int rank = c.ranks()[i];
            boolean adapter = rank > 0;
            boolean trained = adapter && i != 1; // a frozen adapter among them
            projections.add(new LoraLinearBackward.Projection(
                    f.random(dtype, c.rows(), out), trained ? f.random(FLOAT32, c.rows(), rank) : null,
                    f.weight(stored.layout(), stored.dtype(), out, c.in()),
                    adapter ? factor(f, rank, c.in()) : null, adapter ? factor(f, out, rank) : null,
                    trained ? f.changed("dLoraA" + i, FLOAT32, rank, c.in()) : null,
                    trained ? f.changed("dLoraB" + i, FLOAT32, out, rank) : null,
                    full ? f.changed("dWeight" + i, FLOAT32, out, c.in()) : null,
                    full ? f.changed("dBias" + i, FLOAT32, out) : null, SCALING - i));
        }
        return new LoraLinearBackward(
                x, dx ? f.target("dx", accumulate, dtype, c.rows(), c.in()) : null, projections, null, 0, 0, accumulate);
    }

    private static LoraLinear forward(Fixture f, Case c, DType dtype, Stored stored) {
        boolean adapter = c.rank() > 0;
        return new LoraLinear(
                f.random(dtype, c.rows(), c.in()), f.weight(stored.layout(), stored.dtype(), c.out(), c.in()),
                c.bias() ? f.random(FLOAT32, c.out()) : null,
                adapter ? factor(f, c.rank(), c.in()) : null, adapter ? factor(f, c.out(), c.rank()) : null,
                f.output("y", dtype, c.rows(), c.out()), adapter ? f.output("h", FLOAT32, c.rows(), c.rank()) : null,
                c.dropout() > 0 ? f.rng(0x1_2345_6789L, 7) : null, 11, SCALING, c.dropout());
    }

    private static LoraLinearBackward backward(
            Fixture f, Case c, DType dtype, Stored stored, boolean accumulate, boolean dx, boolean dAdapter, boolean dWeight,
            boolean dBias) {
        boolean adapter = c.rank() > 0;
        boolean trained = adapter && dAdapter;
        return new LoraLinearBackward(
                f.random(dtype, c.rows(), c.out()), trained || dWeight ? f.random(dtype, c.rows(), c.in()) : null,
                trained ? f.random(FLOAT32, c.rows(), c.rank()) : null,
                f.weight(stored.layout(), stored.dtype(), c.out(), c.in()),
                adapter ? factor(f, c.rank(), c.in()) : null, adapter ? factor(f, c.out(), c.rank()) : null,
                dx ? f.target("dx", accumulate, dtype, c.rows(), c.in()) : null,
                trained ? f.changed("dLoraA", FLOAT32, c.rank(), c.in()) : null,
                trained ? f.changed("dLoraB", FLOAT32, c.out(), c.rank()) : null,
                dWeight ? f.changed("dWeight", FLOAT32, c.out(), c.in()) : null,
                dBias ? f.changed("dBias", FLOAT32, c.out()) : null,
                adapter && c.dropout() > 0 ? f.rng(0x1_2345_6789L, 7) : null, 11, SCALING, c.dropout(), accumulate);
    }

    private static Tensor factor(Fixture f, int rows, int columns) {
        return f.weight(Layout.ROW_MAJOR, FLOAT32, rows, columns).data();
    }
}
