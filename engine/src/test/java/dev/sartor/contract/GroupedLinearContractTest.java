package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.ExpertAdapters;
import dev.sartor.device.kernel.GroupedLinear;
import dev.sartor.device.kernel.GroupedLinearBackward;
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

@Covers({GroupedLinear.class, GroupedLinearBackward.class})
class GroupedLinearContractTest extends OpContract {
    private static final float SCALING = 1.5f;

    /** How experts come to their adapters. */
    private enum Share {
        EACH,
        ONE_FOR_ALL,
        SOME;

        ExpertAdapters of(int experts) {
            return switch (this) {
                case EACH -> ExpertAdapters.each(experts);
                case ONE_FOR_ALL -> ExpertAdapters.shared(experts);
                // The first without, two neighbours with one, the last with its own.
                case SOME -> new ExpertAdapters(IntStream.range(0, experts)
                        .map(e -> e == 0 ? -1 : e == experts - 1 ? 1 : e <= 2 ? 0 : -1)
                        .boxed()
                        .toList());
            };
        }
    }

    /**
     * @param gathers whether x is read through the permutation
     * @param outs features out of each projection, and ranks: 0 without adapters
     */
    private record Case(
            int tokens, int experts, int topK, long capacity, boolean gathers, int in, int[] outs, int[] ranks, Share share,
            boolean bias, Skew skew) {
        int rows() {
            return tokens * topK;
        }

        /** Of x. */
        int xRows() {
            return gathers ? tokens : rows();
        }

        Skew.Rows order() {
            return Skew.rows(skew.indices(tokens, experts, topK), experts, capacity);
        }

        Case with(Skew other) {
            return new Case(tokens, experts, topK, capacity, gathers, in, outs, ranks, share, bias, other);
        }

        @Override
        public String toString() {
            return tokens + " tokens to " + topK + " of " + experts + " " + skew + (capacity > 0 ? " at most " + capacity : "")
                    + (gathers ? " gathered" : "") + " " + in + " to " + Arrays.toString(outs) + " ranks " + Arrays.toString(ranks)
                    + " " + share + (bias ? " bias" : "");
        }
    }

    private static final List<Case> CASES = Stream.of(
                    new Case(1, 1, 1, 0, false, 1, new int[] {1}, new int[] {0}, Share.EACH, false, null),
                    new Case(1, 4, 2, 0, true, 17, new int[] {5}, new int[] {3}, Share.EACH, true, null),
                    new Case(19, 4, 2, 0, true, 33, new int[] {65, 66}, new int[] {5, 4}, Share.EACH, true, null),
                    new Case(19, 5, 2, 3, true, 64, new int[] {70}, new int[] {0}, Share.SOME, false, null),
                    new Case(37, 5, 2, 9, false, 65, new int[] {17}, new int[] {3}, Share.SOME, false, null),
                    new Case(37, 4, 1, 0, false, 130, new int[] {33}, new int[] {8}, Share.ONE_FOR_ALL, true, null),
                    new Case(70, 8, 3, 0, true, 96, new int[] {40, 72}, new int[] {0, 7}, Share.ONE_FOR_ALL, false, null))
            .flatMap(c -> Stream.of(Skew.values()).map(c::with))
            .toList();

    /** Panels that do not fit the cache in one pass. */
    private static final List<Case> LARGE = List.of(
            new Case(9, 3, 2, 0, true, 1100, new int[] {70}, new int[] {16}, Share.EACH, false, Skew.UNIFORM),
            new Case(9, 3, 2, 0, true, 70, new int[] {1100, 300}, new int[] {16, 3}, Share.EACH, false, Skew.UNIFORM));

    /** How experts' weights are stored. */
    private interface Stored {
        List<Matrix> of(Fixture f, int experts, int out, int in);
    }

    private record Dense(Layout layout, DType dtype) implements Stored {
        @Override
        public List<Matrix> of(Fixture f, int experts, int out, int in) {
            return IntStream.range(0, experts).mapToObj(e -> f.weight(layout, dtype, out, in)).toList();
        }
    }

    private record Quantized(QuantizedWeight kind, Layout layout) implements Stored {
        @Override
        public List<Matrix> of(Fixture f, int experts, int out, int in) {
            return IntStream.range(0, experts).mapToObj(e -> kind.random(f, layout, out, in)).toList();
        }
    }

    /** Some experts quantized, some not. */
    private record Mixed() implements Stored {
        @Override
        public List<Matrix> of(Fixture f, int experts, int out, int in) {
            return IntStream.range(0, experts)
                    .mapToObj(e -> e % 2 == 0 ? f.weight(Layout.PACKED, FLOAT32, out, in)
                            : QuantizedWeight.NF4.random(f, Layout.PACKED, out, in))
                    .toList();
        }
    }

    private static Stream<Stored> stored(DType dtype) {
        return Stream.of(new Dense(Layout.PACKED, dtype), new Dense(Layout.ROW_MAJOR, FLOAT32));
    }

    private static Stream<Stored> quantized() {
        return Stream.concat(Stream.of(new Mixed()),
                Stream.of(QuantizedWeight.values()).map(kind -> new Quantized(kind, Layout.PACKED)));
    }

    @TestFactory
    Stream<DynamicTest> forward() {
        return Stream.concat(CASES.stream(), LARGE.stream()).flatMap(c -> types().flatMap(dtype -> stored(dtype).flatMap(weight -> kernel(
                c + " " + dtype + " by " + weight, Tolerance.product(dtype), f -> forward(f, c, dtype, weight)))));
    }

    @TestFactory
    Stream<DynamicTest> backward() {
        return Stream.concat(CASES.stream(), LARGE.stream()).flatMap(c -> types().flatMap(dtype -> stored(dtype).flatMap(
                weight -> Stream.of(true, false).flatMap(accumulate -> kernel(
                        c + " " + dtype + " by " + weight + (accumulate ? " adding" : ""), Tolerance.product(dtype),
                        f -> backward(f, c, dtype, weight, accumulate, true, true, true))))));
    }

    @TestFactory
    Stream<DynamicTest> backwardOfSome() {
        return CASES.stream().filter(c -> c.skew == Skew.ZIPF).flatMap(c -> types().flatMap(dtype -> {
            var weight = new Dense(Layout.PACKED, dtype);
            return Stream.of(
                            kernel("dx alone " + c + " " + dtype, Tolerance.product(dtype),
                                    f -> backward(f, c, dtype, weight, false, true, false, false)),
                            kernel("adapter alone " + c + " " + dtype, Tolerance.product(dtype),
                                    f -> backward(f, c, dtype, weight, false, false, true, false)),
                            kernel("weight and bias alone " + c + " " + dtype, Tolerance.product(dtype),
                                    f -> backward(f, c, dtype, weight, false, false, false, true)))
                    .flatMap(tests -> tests);
        }));
    }

    @TestFactory
    Stream<DynamicTest> quantizedWeights() {
        return CASES.stream().filter(c -> c.experts > 1 && c.skew != Skew.UNIFORM).flatMap(c -> types().flatMap(dtype -> quantized().flatMap(
                weight -> Stream.concat(
                        kernel(c + " " + dtype + " by " + weight, Tolerance.product(dtype), f -> forward(f, c, dtype, weight)),
                        kernel("gradients " + c + " " + dtype + " by " + weight, Tolerance.product(dtype),
                                f -> backward(f, c, dtype, weight, false, true, true, false))))));
    }

    private static GroupedLinear forward(Fixture f, Case c, DType dtype, Stored stored) {
        var order = c.order();
        // Weights first: what is made before a packed one counts as its input.
        var weights = IntStream.of(c.outs).mapToObj(out -> stored.of(f, c.experts, out, c.in)).toList();
        var adapters = c.share.of(c.experts);
        var projections = new ArrayList<GroupedLinear.Projection>();
        for (int i = 0; i < c.outs.length; i++) {
            int out = c.outs[i];
            int rank = c.ranks[i];
            projections.add(new GroupedLinear.Projection(
                    weights.get(i), c.bias ? f.random(FLOAT32, c.experts, out) : null,
                    rank > 0 ? factor(f, adapters.count() * rank, c.in) : null,
                    rank > 0 ? factor(f, adapters.count() * out, rank) : null, f.output("y" + i, dtype, c.rows(), out),
                    rank > 0 && i == 0 ? f.output("h" + i, FLOAT32, c.rows(), rank) : null, SCALING - i));
        }
        return new GroupedLinear(f.random(dtype, c.xRows(), c.in), f.ints(order.offsets(), c.experts + 1),
                c.gathers ? f.ints(order.permutation(), c.rows()) : null, c.gathers ? c.topK : 1, adapters, projections);
    }

    private static GroupedLinearBackward backward(
            Fixture f, Case c, DType dtype, Stored stored, boolean accumulate, boolean dx, boolean dAdapter, boolean dLayer) {
        var order = c.order();
        var weights = IntStream.of(c.outs).mapToObj(out -> stored.of(f, c.experts, out, c.in)).toList();
        var adapters = c.share.of(c.experts);
        var projections = new ArrayList<GroupedLinearBackward.Projection>();
        boolean needsX = dLayer;
        for (int i = 0; i < c.outs.length; i++) {
            int out = c.outs[i];
            int rank = c.ranks[i];
            boolean trained = dAdapter && rank > 0 && !(c.outs.length > 1 && i == 0 && c.ranks[1] > 0 && !dLayer);
            needsX |= trained;
            projections.add(new GroupedLinearBackward.Projection(
                    f.random(dtype, c.rows(), out), trained ? f.random(FLOAT32, c.rows(), rank) : null, weights.get(i),
                    rank > 0 ? factor(f, adapters.count() * rank, c.in) : null,
                    rank > 0 ? factor(f, adapters.count() * out, rank) : null,
                    trained ? f.changed("dLoraA" + i, FLOAT32, adapters.count() * rank, c.in) : null,
                    trained ? f.changed("dLoraB" + i, FLOAT32, adapters.count() * out, rank) : null,
                    dLayer ? f.changed("dWeight" + i, FLOAT32, c.experts, out, c.in) : null,
                    dLayer && c.bias ? f.changed("dBias" + i, FLOAT32, c.experts, out) : null, SCALING - i));
        }
        return new GroupedLinearBackward(
                needsX ? f.random(dtype, c.xRows(), c.in) : null, dx ? f.target("dx", accumulate, dtype, c.xRows(), c.in) : null,
                f.ints(order.offsets(), c.experts + 1), c.gathers ? f.ints(order.permutation(), c.rows()) : null,
                c.gathers && dx ? f.ints(order.inverse(), c.tokens, c.topK) : null, c.gathers ? c.topK : 1, adapters, projections,
                accumulate);
    }

    /** Adapters, or the weights themselves, through the tape. */
    @TestFactory
    Stream<DynamicTest> gradients() {
        return CASES.stream()
                .filter(c -> c.skew == Skew.ZIPF && c.tokens < 40)
                .flatMap(c -> Stream.of(true, false).flatMap(full -> op(
                        c + (full ? " full" : " adapters"), Tolerance::product, (g, dtype) -> tape(g, dtype, c, full))));
    }

    private static void tape(Graph g, DType dtype, Case c, boolean full) {
        var order = c.order();
        var adapters = c.share.of(c.experts);
        var layers = new ArrayList<dev.sartor.op.GroupedLinear.Layer>();
        var inputs = new ArrayList<Var>(Arrays.asList(
                g.activation(dtype, c.xRows(), c.in), g.tape().constant(g.ints(order.offsets(), c.experts + 1)),
                c.gathers ? g.tape().constant(g.ints(order.permutation(), c.rows())) : null,
                c.gathers ? g.tape().constant(g.ints(order.inverse(), c.tokens, c.topK)) : null));
        for (int i = 0; i < c.outs.length; i++) {
            int out = c.outs[i];
            int rank = full ? 0 : c.ranks[i];
            var weight = full ? g.parameter(c.experts * out, c.in) : null;
            var all = full ? weight.value() : g.weight(dtype, c.experts * out, c.in).data();
            layers.add(new dev.sartor.op.GroupedLinear.Layer(IntStream.range(0, c.experts)
                    .mapToObj(e -> Matrix.rowMajor(all.slice((long) e * out, out)))
                    .toList(), SCALING));
            inputs.add(weight);
            inputs.add(c.bias ? g.parameter(c.experts, out) : null);
            inputs.add(rank > 0 ? g.parameter(adapters.count() * rank, c.in) : null);
            inputs.add(rank > 0 ? g.parameter(adapters.count() * out, rank) : null);
        }
        var op = new dev.sartor.op.GroupedLinear(layers, adapters, c.gathers ? c.topK : 1);
        g.tape().applyAll(op, inputs.toArray(Var[]::new)).forEach(g::output);
    }

    /** Gate and up with one A between them, as PEFT has it of fused weights. */
    @TestFactory
    Stream<DynamicTest> gradientsOfSharedLoraA() {
        return op("two layers of one lora_A", Tolerance::product, (g, dtype) -> {
            int experts = 3;
            int rank = 2;
            var order = Skew.rows(Skew.ZIPF.indices(9, experts, 2), experts, 0);
            var a = g.parameter(experts * rank, 17);
            var op = new dev.sartor.op.GroupedLinear(
                    List.of(layer(g, dtype, experts, 5, 17), layer(g, dtype, experts, 5, 17)), ExpertAdapters.each(experts), 2);
            g.tape().applyAll(op, g.activation(dtype, 9, 17), g.tape().constant(g.ints(order.offsets(), experts + 1)),
                            g.tape().constant(g.ints(order.permutation(), 18)), g.tape().constant(g.ints(order.inverse(), 9, 2)),
                            null, null, a, g.parameter(experts * 5, rank), null, null, a, g.parameter(experts * 5, rank))
                    .forEach(g::output);
        });
    }

    /** Route, dispatch, gate and up, down, combine: the whole layer, its router trained too. */
    @TestFactory
    Stream<DynamicTest> gradientsOfTheWholeLayer() {
        return op("a layer of 3 experts", Tolerance::product, (g, dtype) -> {
            int tokens = 6;
            int experts = 3;
            int width = 9;
            int inner = 14;
            // Far apart, so that a finite difference of a logit changes no choice.
            double[] logits = IntStream.range(0, tokens * experts).mapToDouble(i -> (i * 7 % experts + i / experts * 2) % experts * 0.5).toArray();
            var x = g.activation(dtype, tokens, width);
            var routing = dev.sartor.device.kernel.Routing.softmax(2, true);
            var routed = g.tape().applyAll(new dev.sartor.op.Route(routing), g.activationOf(dtype, logits, tokens, experts), null);
            var order = g.tape().applyAll(new dev.sartor.op.Dispatch(experts, 0), routed.get(dev.sartor.op.Route.INDICES));
            var offsets = order.get(dev.sartor.op.Dispatch.OFFSETS);
            var inverse = order.get(dev.sartor.op.Dispatch.INVERSE);
            var adapters = ExpertAdapters.each(experts);
            var up = g.tape().applyAll(new dev.sartor.op.GroupedLinear(List.of(layer(g, dtype, experts, inner, width),
                            layer(g, dtype, experts, inner, width)), adapters, 2),
                    x, offsets, order.get(dev.sartor.op.Dispatch.PERMUTATION), inverse,
                    null, null, g.parameter(experts * 2, width), g.parameter(experts * inner, 2), null, null, null, null);
            var middle = g.tape().apply(new dev.sartor.op.Activation(dev.sartor.device.kernel.ActivationKind.SILU), up.get(0), up.get(1));
            var down = g.tape().apply(new dev.sartor.op.GroupedLinear(List.of(layer(g, dtype, experts, width, inner)), adapters, 1),
                    middle, offsets, null, null, null, null, g.parameter(experts * 2, inner), g.parameter(experts * width, 2));
            g.output(g.tape().apply(new dev.sartor.op.Combine(), down, routed.get(dev.sartor.op.Route.WEIGHTS), inverse));
        });
    }

    private static dev.sartor.op.GroupedLinear.Layer layer(Graph g, DType dtype, int experts, int out, int in) {
        return new dev.sartor.op.GroupedLinear.Layer(
                IntStream.range(0, experts).mapToObj(e -> g.weight(dtype, out, in)).toList(), 0.5f);
    }

    @TestFactory
    Stream<DynamicTest> refusals() {
        var weights = new Dense(Layout.ROW_MAJOR, FLOAT32);
        return Stream.of(
                        refused("offsets that fall", f -> plain(f, weights, new int[] {0, 3, 2}, new int[] {0, 1, 2, 3}), "offsets[2] is 2"),
                        refused("offsets beyond the rows", f -> plain(f, weights, new int[] {0, 3, 5}, new int[] {0, 1, 2, 3}), "offsets[2] is 5"),
                        refused("an assignment beyond the rows", f -> plain(f, weights, new int[] {0, 3, 4}, new int[] {0, 4, 2, 3}),
                                "permutation[1] is 4"))
                .flatMap(tests -> tests);
    }

    private static GroupedLinear plain(Fixture f, Stored stored, int[] offsets, int[] permutation) {
        return new GroupedLinear(f.random(FLOAT32, 2, 5), f.ints(offsets, 3), f.ints(permutation, 4), 2, null, List.of(
                new GroupedLinear.Projection(stored.of(f, 2, 3, 5), null, null, null, f.output("y", FLOAT32, 4, 3), null, 0)));
    }

    private static Tensor factor(Fixture f, int rows, int columns) {
        return f.weight(Layout.ROW_MAJOR, FLOAT32, rows, columns).data();
    }
}
