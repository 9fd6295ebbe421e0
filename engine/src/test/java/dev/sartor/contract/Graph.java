package dev.sartor.contract;

import dev.sartor.backend.reference.Floats;
import dev.sartor.device.Device;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Convert;
import dev.sartor.op.Frame;
import dev.sartor.op.Op;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Planner;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.DoubleStream;

/**
 * A small tape around an op. Leaves are what gradients are taken of; the scalar that is differentiated
 * is the sum of the outputs times fixed random weights. The same recipe makes the same graph on every
 * device.
 */
final class Graph {
    private final Tape tape = Tape.training();
    private final Scope scope;
    private final Device device;
    private final Random random = new Random(47);
    private final Map<Integer, double[]> replaced;
    private final List<Leaf> leaves = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();
    private final List<Var> terminals = new ArrayList<>();

    record Leaf(Tensor value, Tensor gradient, double[] values) {}

    private record Output(Tensor value, double[] weights) {}

    private Graph(Device device, Scope scope, Map<Integer, double[]> replaced) {
        this.device = device;
        this.scope = scope;
        this.replaced = replaced;
    }

    Tape tape() {
        return tape;
    }

    /** A trained float32 parameter. */
    Var parameter(long... dims) {
        return parameterOf(gaussians(dims), dims);
    }

    /** A trained parameter with these values. */
    Var parameterOf(double[] values, long... dims) {
        double[] actual = replaced.getOrDefault(leaves.size(), values);
        var value = tensor(DType.FLOAT32, actual, dims);
        var gradient = scope.allocate(TensorSpec.of(DType.FLOAT32, dims));
        leaves.add(new Leaf(value, gradient, values));
        return tape.parameter(new Parameter("leaf" + leaves.size(), value, gradient));
    }

    /** An activation [rows, width] that takes a gradient. */
    Var activation(DType dtype, long rows, long width) {
        return activationOf(dtype, gaussians(rows, width), rows, width);
    }

    Var activationOf(DType dtype, double[] values, long rows, long width) {
        return tape.apply(new Source(dtype), parameterOf(values, rows, width));
    }

    /** A value that takes no gradient. */
    Var constant(DType dtype, long... dims) {
        return tape.constant(tensor(dtype, gaussians(dims), dims));
    }

    /** A frozen weight with values of size 1 / sqrt(columns). */
    Matrix weight(DType dtype, long rows, long columns) {
        double[] values = Arrays.stream(gaussians(rows, columns)).map(value -> value / Math.sqrt(columns)).toArray();
        return Matrix.rowMajor(tensor(dtype, values, rows, columns));
    }

    Tensor tensor(DType dtype, double[] values, long... dims) {
        var tensor = scope.allocate(TensorSpec.of(dtype, dims));
        var memory = MemorySegment.ofArray(new byte[Math.toIntExact(tensor.spec().bytes())]);
        for (int i = 0; i < values.length; i++) {
            Floats.set(memory, dtype, i, values[i]);
        }
        device.write(memory, tensor);
        return tensor;
    }

    Tensor ints(int[] values, long... dims) {
        var tensor = scope.allocate(TensorSpec.of(DType.INT32, dims));
        device.write(MemorySegment.ofArray(values), tensor);
        return tensor;
    }

    Tensor rng(long seed, long step) {
        var tensor = scope.allocate(TensorSpec.of(DType.INT64, 2));
        device.write(MemorySegment.ofArray(new long[] {seed, step}), tensor);
        return tensor;
    }

    double[] gaussians(long... dims) {
        int count = Math.toIntExact(Arrays.stream(dims).reduce(1, (a, b) -> a * b));
        return DoubleStream.generate(random::nextGaussian).limit(count).toArray();
    }

    /** Makes a value part of the scalar that is differentiated. */
    void output(Var value) {
        double[] weights = gaussians(value.spec().shape().toArray());
        var seeds = tensor(value.spec().dtype(), weights, value.spec().shape().toArray());
        outputs.add(new Output(tape.result(value), rounded(weights, value.spec().dtype())));
        terminals.add(tape.apply(new Probe(seeds), value));
    }

    /** Makes losses, whose gradient their op makes by itself, part of the scalar. */
    void losses(Var losses, double[] weights) {
        outputs.add(new Output(tape.result(losses), rounded(weights, DType.FLOAT32)));
        terminals.add(losses);
    }

    /** Outputs, then gradients of the leaves. */
    static List<Written> run(Device device, Consumer<Graph> recipe) {
        return execute(device, recipe, Map.of(), graph -> {
            var written = new ArrayList<Written>();
            graph.outputs.forEach(output -> written.add(graph.written("output", output.value)));
            graph.leaves.forEach(leaf -> written.add(graph.written("gradient of leaf " + graph.leaves.indexOf(leaf), leaf.gradient)));
            return written;
        });
    }

    /** Values of the leaves. */
    static List<double[]> leafValues(Device device, Consumer<Graph> recipe) {
        return execute(device, recipe, Map.of(), graph -> graph.leaves.stream()
                .map(leaf -> rounded(leaf.values, DType.FLOAT32))
                .toList());
    }

    static List<double[]> leafGradients(Device device, Consumer<Graph> recipe) {
        return execute(device, recipe, Map.of(), graph -> graph.leaves.stream()
                .map(leaf -> graph.written("gradient", leaf.gradient).values())
                .toList());
    }

    /** The scalar, summed in double, with other values for some leaves. */
    static double scalar(Device device, Consumer<Graph> recipe, Map<Integer, double[]> replaced) {
        return execute(device, recipe, replaced, graph -> {
            double sum = 0;
            for (var output : graph.outputs) {
                double[] values = graph.written("output", output.value).values();
                for (int i = 0; i < values.length; i++) {
                    sum += output.weights[i] * values[i];
                }
            }
            return sum;
        });
    }

    private static <T> T execute(
            Device device, Consumer<Graph> recipe, Map<Integer, double[]> replaced, Function<Graph, T> read) {
        try (var scope = new Scope(Scope.Kind.STEP, device)) {
            var graph = new Graph(device, scope, replaced);
            recipe.accept(graph);
            graph.tape.backward(graph.terminals.toArray(Var[]::new));
            var plan = Planner.plan(graph.tape.recording(), device);
            var scratch = plan.scratchBytes() == 0 ? null : scope.slab(plan.scratchBytes());
            try (var program = plan.bind(device, scope.slab(Math.max(plan.slabBytes(), Memory.ALIGNMENT)), scratch)) {
                device.submit(program);
            }
            return read.apply(graph);
        }
    }

    private Written written(String name, Tensor tensor) {
        var bytes = new byte[Math.toIntExact(tensor.spec().bytes())];
        device.read(tensor, MemorySegment.ofArray(bytes));
        return new Written(name, tensor.spec(), bytes);
    }

    static double[] rounded(double[] values, DType dtype) {
        return Arrays.stream(values).map(value -> Floats.round(value, dtype)).toArray();
    }

    /** Makes an activation of a compute type out of a float32 parameter, and gives the gradient back. */
    private record Source(DType dtype) implements Op {
        @Override
        public List<TensorSpec> outputs(List<TensorSpec> inputs) {
            return List.of(new TensorSpec(dtype, inputs.getFirst().shape()));
        }

        @Override
        public void forward(Frame f) {
            f.emit(new Convert(f.input(0), f.output(0)));
        }

        @Override
        public void backward(Frame f) {
            var gradient = f.temporary(f.input(0).spec());
            f.emit(new Convert(f.outputGradient(0), gradient));
            f.emit(new Add(f.parameterGradient(0), gradient, f.parameterGradient(0), 1, 1));
        }
    }

    /** Ends a tape with a given gradient. */
    private record Probe(Tensor gradient) implements Op {
        @Override
        public List<TensorSpec> outputs(List<TensorSpec> inputs) {
            return List.of(TensorSpec.of(DType.FLOAT32, 1));
        }

        @Override
        public void forward(Frame f) {
            // Nothing to compute: it only says where differentiation begins.
        }

        @Override
        public void backward(Frame f) {
            f.passGradient(0, gradient);
        }
    }
}
