package dev.sartor.tape;

import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.op.Op;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Records a step on shapes: ops go in, kernel instructions come out. Nothing runs and no step memory
 * exists yet; {@link Planner} lays the tensors out afterwards.
 *
 * <p>The backward pass walks the ops in reverse. A value's gradient is written by the first op that
 * uses it and added to by the others; values that no trained parameter stands behind have none.
 */
public final class Tape {
    private final boolean training;
    private final boolean saving;
    private final List<Instruction> instructions = new ArrayList<>();
    private final List<Storage> arguments = new ArrayList<>();
    private final Set<Storage> results = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Map<Var, Tensor> gradients = new IdentityHashMap<>();
    private final Map<Tensor, Var> leaves = new IdentityHashMap<>();
    private final Deque<String> path = new ArrayDeque<>();
    /** Who makes the values that the backward pass computes again. */
    private final Map<Var, OpNode> cheap = new IdentityHashMap<>();
    private List<Node> nodes = new ArrayList<>();

    private Tape(boolean training, boolean saving) {
        this.training = training;
        this.saving = saving;
    }

    /** A tape whose backward pass will be asked for, with all values kept that it reads. */
    public static Tape training() {
        return training(false);
    }

    /**
     * A tape whose backward pass will be asked for.
     *
     * @param saving whether results of cheap ops are computed again in the backward pass rather than kept
     */
    public static Tape training(boolean saving) {
        return new Tape(true, saving);
    }

    /** A tape that only goes forward, and keeps nothing for gradients. */
    public static Tape inference() {
        return new Tape(false, false);
    }

    /** A value from outside the step that takes no gradient. */
    public Var constant(Tensor value) {
        return new Var(value, null, false);
    }

    /** A parameter; null for null, which ops take as an absent input. */
    public Var parameter(Parameter parameter) {
        if (parameter == null) {
            return null;
        }
        return leaves.computeIfAbsent(parameter.value(),
                value -> new Var(value, parameter.gradient(), training && parameter.isTrained()));
    }

    /** Records an op with one output. */
    public Var apply(Op op, Var... inputs) {
        return applyAll(op, inputs).getFirst();
    }

    /** Records an op. Optional inputs that are absent are null. */
    public List<Var> applyAll(Op op, Var... inputs) {
        var ins = Collections.unmodifiableList(Arrays.asList(inputs));
        boolean needsGradient = ins.stream().anyMatch(in -> in != null && in.needsGradient());
        var specs = ins.stream().map(in -> in == null ? null : in.spec()).toList();
        var outputs = op.outputs(specs).stream()
                .map(spec -> new Var(Tensor.unplaced(spec), null, needsGradient))
                .toList();
        var node = new OpNode(this, op, where(), ins, outputs);
        op.forward(node);
        if (needsGradient) {
            nodes.add(node);
            rememberCheap(node);
        }
        return outputs;
    }

    private void rememberCheap(OpNode node) {
        for (int i = 0; saving && i < node.outputs().size(); i++) {
            boolean again = switch (node.op().recomputation(i)) {
                case NEVER -> false;
                case FROM_KEPT -> true;
                case CHAINED -> cheap.containsKey(node.inputs().getFirst());
            };
            if (again) {
                cheap.put(node.outputs().get(i), node);
            }
        }
    }

    /** A value as the backward pass reads it. */
    Tensor inBackward(Var value) {
        var maker = cheap.get(value);
        return maker == null ? value.value() : maker.again(value);
    }

    /** Runs the body; its ops are said to be at this place, such as {@code model.layers.3.mlp}. */
    public <T> T in(String name, Supplier<T> body) {
        path.addLast(name);
        try {
            return body.get();
        } finally {
            path.removeLast();
        }
    }

    /**
     * Records a block of which only the input is kept: the backward pass computes the block again
     * (Chen et al. 2016). The body must record the same ops each time.
     */
    public Var recompute(Var x, UnaryOperator<Var> body) {
        return recompute(x, body, List::of);
    }

    /**
     * As {@link #recompute(Var, UnaryOperator)}, of a block with more than one value.
     *
     * @param outputs the values of what the body returns that can have gradients
     * @return what the body returned at first
     */
    public <T> T recompute(Var x, Function<Var, T> body, Function<T, List<Var>> outputs) {
        if (!training) {
            return body.apply(x);
        }
        var outer = nodes;
        nodes = new ArrayList<>();
        var made = body.apply(x);
        nodes = outer;
        var values = outputs.apply(made);
        if (values.stream().anyMatch(Var::needsGradient)) {
            nodes.add(new BlockNode(List.copyOf(path), values, () -> outputs.apply(body.apply(x))));
        }
        return made;
    }

    /** Records the gradients of everything that the terminal values (losses) depend on. */
    public void backward(Var... terminals) {
        walk(nodes, Set.of(terminals));
        nodes.clear();
        gradients.clear();
        cheap.clear();
    }

    /** Appends a kernel that is no op: of an optimizer, or bookkeeping. */
    public void emit(Kernel kernel) {
        emit(kernel, where());
    }

    /** Keeps the value until after the last instruction, for somebody to read. */
    public Tensor result(Var value) {
        return result(value.value());
    }

    /** Keeps the tensor until after the last instruction, for somebody to read. */
    public Tensor result(Tensor value) {
        results.add(value.storage());
        return value;
    }

    /** A tensor of this step that somebody fills before each run. */
    public Tensor argument(TensorSpec spec) {
        var argument = Tensor.unplaced(spec);
        arguments.add(argument.storage());
        return argument;
    }

    public Recording recording() {
        return new Recording(List.copyOf(instructions), List.copyOf(arguments), Set.copyOf(results));
    }

    void emit(Kernel kernel, String where) {
        instructions.add(new Instruction(kernel, where));
    }

    /** Whether a backward pass will be asked for: what only training does, such as dropout, asks this. */
    public boolean isTraining() {
        return training;
    }

    private String where() {
        return path.isEmpty() ? "" : path.getLast();
    }

    private void walk(List<Node> recorded, Set<Var> terminals) {
        for (var node : recorded.reversed()) {
            boolean used = node.outputs().stream().anyMatch(out -> terminals.contains(out) || gradients.containsKey(out));
            if (used) {
                node.backward();
                node.outputs().forEach(gradients::remove);
            }
        }
    }

    Tensor gradientOf(Var value) {
        return gradients.get(value);
    }

    /** Makes the tensor the gradient of a value that has none yet. */
    void setGradient(Var value, Tensor gradient) {
        gradients.put(value, gradient);
    }

    /** A gradient that may be changed: a copy where others still wait to read the same tensor. */
    Tensor ownGradient(Var value, String where) {
        var gradient = gradients.get(value);
        long users = gradients.values().stream().filter(other -> other.storage() == gradient.storage()).count();
        if (users == 1) {
            return gradient;
        }
        var copy = Tensor.unplaced(gradient.spec());
        emit(new Add(gradient, null, copy, 1, 0), where);
        gradients.put(value, copy);
        return copy;
    }

    /** Adds a finished gradient to what the value has. */
    void addGradient(Var value, Tensor gradient, String where) {
        if (value.parameterGradient() != null) {
            if (gradient.dtype() != DType.FLOAT32) {
                throw new IllegalStateException("a parameter's gradient is float32, not " + gradient.spec());
            }
            emit(new Add(value.parameterGradient(), gradient, value.parameterGradient(), 1, 1), where);
        } else if (gradients.containsKey(value)) {
            var own = ownGradient(value, where);
            emit(new Add(own, gradient, own, 1, 1), where);
        } else {
            setGradient(value, gradient);
        }
    }

    /** Something whose gradient can be recorded. */
    interface Node {
        List<Var> outputs();

        void backward();
    }

    private final class BlockNode implements Node {
        private final List<String> names;
        private final List<Var> outputs;
        private final Supplier<List<Var>> body;

        BlockNode(List<String> names, List<Var> outputs, Supplier<List<Var>> body) {
            this.names = names;
            this.outputs = outputs;
            this.body = body;
        }

        @Override
        public List<Var> outputs() {
            return outputs;
        }

        @Override
        public void backward() {
            var outer = nodes;
            var outerPath = List.copyOf(path);
            nodes = new ArrayList<>();
            path.clear();
            path.addAll(names);
            var again = body.get();
            for (int i = 0; i < outputs.size(); i++) {
                // The outer value no longer waits for its gradient: the block may change it in place.
                var gradient = gradients.remove(outputs.get(i));
                if (gradient != null) {
                    setGradient(again.get(i), gradient);
                }
            }
            walk(nodes, Set.of());
            nodes = outer;
            path.clear();
            path.addAll(outerPath);
        }
    }
}
