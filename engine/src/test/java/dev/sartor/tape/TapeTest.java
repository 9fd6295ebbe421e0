package dev.sartor.tape;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Eager;
import dev.sartor.op.Add;
import dev.sartor.op.Frame;
import dev.sartor.op.Op;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Gradients of random graphs of additions and scalings, whose values each feed any number of others:
 * residual chains, values used twice by one op, gradients passed on without a copy. All is linear, so
 * the gradient is known exactly: the sum over all paths of the factors along them.
 */
class TapeTest {
    private static final TensorSpec SPEC = TensorSpec.of(DType.FLOAT32, 1, 3);
    private static final int LEAVES = 3;
    private static final float[] FACTORS = {1, 1, 1, -1, 2, 0.5f};

    /** y = factor x, adding to the gradient in place, as most fused ops do. */
    private record Scale(float factor) implements Op {
        @Override
        public List<TensorSpec> outputs(List<TensorSpec> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public void forward(Frame f) {
            f.emit(new dev.sartor.device.kernel.Add(f.input(0), null, f.output(0), factor, 0));
        }

        @Override
        public void backward(Frame f) {
            if (!f.needsGradient(0)) {
                return;
            }
            var to = f.gradient(0);
            f.emit(new dev.sartor.device.kernel.Add(f.outputGradient(0), to.accumulate() ? to.tensor() : null, to.tensor(), factor, 1));
        }
    }

    /** A loss whose gradient is given. */
    private record Loss(Tensor gradient) implements Op {
        @Override
        public List<TensorSpec> outputs(List<TensorSpec> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public void forward(Frame f) {
            f.emit(new dev.sartor.device.kernel.Add(f.input(0), null, f.output(0), 1, 0));
        }

        @Override
        public void backward(Frame f) {
            f.emit(new dev.sartor.device.kernel.Add(gradient, null, f.freshGradient(0), 1, 0));
        }
    }

    /** A value with its factor for each leaf. */
    private record Node(Var value, double[] factors) {}

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void gradientsOfRandomGraphs(boolean blocks) {
        for (int seed = 0; seed < 300; seed++) {
            try (var device = new ReferenceDevice(); var scope = new Scope(Scope.Kind.STATE, device);
                    var workspace = new Workspace(device)) {
                check(device, scope, workspace, seed, blocks);
            }
        }
    }

    private static void check(ReferenceDevice device, Scope scope, Workspace workspace, int seed, boolean blocks) {
        var random = new Random(seed);
        var tape = Tape.training();
        var nodes = new ArrayList<Node>();
        var gradients = new ArrayList<Tensor>();
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            // The last leaf is frozen: it must get nothing and cost nothing.
            boolean frozen = leaf == LEAVES - 1;
            var gradient = scope.allocate(SPEC);
            gradients.add(gradient);
            var parameter = new Parameter("leaf", scope.allocate(SPEC), frozen ? null : gradient);
            double[] factors = new double[LEAVES];
            factors[leaf] = frozen ? 0 : 1;
            nodes.add(new Node(tape.parameter(parameter), factors));
        }
        for (int i = 0; i < 8; i++) {
            nodes.add(blocks && random.nextInt(3) == 0 ? block(tape, random, nodes) : step(tape, random, nodes));
        }
        var last = nodes.getLast();
        var weights = scope.allocate(SPEC);
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 10, 100), weights);
        }
        if (!last.value.needsGradient()) {
            return;
        }
        tape.backward(tape.apply(new Loss(weights), last.value));
        workspace.prepare(Planner.plan(tape.recording(), device)).run();
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            var found = Eager.floats(device, gradients.get(leaf));
            for (int i = 0; i < 3; i++) {
                assertEquals(last.factors[leaf] * Math.pow(10, i), found[i], 1e-3, "seed " + seed + ", leaf " + leaf);
            }
        }
    }

    private static Node step(Tape tape, Random random, List<Node> nodes) {
        var a = pick(random, nodes);
        float alpha = FACTORS[random.nextInt(FACTORS.length)];
        if (random.nextInt(3) == 0) {
            return new Node(tape.apply(new Scale(alpha), a.value), sum(a, alpha, a, 0));
        }
        // One in four adds a value to itself.
        var b = random.nextInt(4) == 0 ? a : pick(random, nodes);
        float beta = FACTORS[random.nextInt(FACTORS.length)];
        return new Node(tape.apply(new Add(alpha, beta), a.value, b.value), sum(a, alpha, b, beta));
    }

    /** Recomputed x + 2 (x + x), which passes its gradient on and changes it too. */
    private static Node block(Tape tape, Random random, List<Node> nodes) {
        var x = pick(random, nodes);
        var y = tape.recompute(x.value, in -> tape.apply(Add.SUM, in, tape.apply(new Scale(2), tape.apply(Add.SUM, in, in))));
        return new Node(y, sum(x, 5, x, 0));
    }

    /** Recent values more often, so that chains grow long. */
    private static Node pick(Random random, List<Node> nodes) {
        int back = Math.min(nodes.size(), 1 + random.nextInt(4));
        return nodes.get(random.nextInt(4) == 0 ? random.nextInt(nodes.size()) : nodes.size() - back);
    }

    private static double[] sum(Node a, double alpha, Node b, double beta) {
        double[] factors = new double[LEAVES];
        for (int i = 0; i < LEAVES; i++) {
            factors[i] = alpha * a.factors[i] + beta * b.factors[i];
        }
        return factors;
    }
}
