package dev.sartor.tape;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.op.Frame;
import dev.sartor.op.Gradient;
import dev.sartor.op.Op;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** One recorded op: the frame through which it sees the tape. */
final class OpNode implements Tape.Node, Frame {
    private final Tape tape;
    private final Op op;
    private final String where;
    private final List<Var> inputs;
    private final List<Var> outputs;
    private final Map<Integer, Tensor> kept = new HashMap<>();
    private final List<Runnable> sums = new ArrayList<>();
    /** Outputs that the backward pass has computed again. */
    private final Map<Var, Tensor> again = new IdentityHashMap<>();
    private boolean forward = true;

    OpNode(Tape tape, Op op, String where, List<Var> inputs, List<Var> outputs) {
        this.tape = tape;
        this.op = op;
        this.where = where;
        this.inputs = inputs;
        this.outputs = outputs;
    }

    @Override
    public List<Var> outputs() {
        return outputs;
    }

    Op op() {
        return op;
    }

    List<Var> inputs() {
        return inputs;
    }

    /** An output computed again, once however many read it. */
    Tensor again(Var output) {
        if (!again.containsKey(output)) {
            forward = false;
            again.put(output, Tensor.unplaced(output.spec()));
            op.recompute(this, outputs.indexOf(output));
        }
        return again.get(output);
    }

    @Override
    public void backward() {
        forward = false;
        op.backward(this);
        sums.forEach(Runnable::run);
        sums.clear();
    }

    @Override
    public int inputCount() {
        return inputs.size();
    }

    @Override
    public Tensor input(int index) {
        var input = inputs.get(index);
        return input == null ? null : value(input);
    }

    @Override
    public Tensor output(int index) {
        return value(outputs.get(index));
    }

    private Tensor value(Var input) {
        return forward ? input.value() : tape.inBackward(input);
    }

    @Override
    public boolean needsGradient(int index) {
        var input = inputs.get(index);
        return input != null && input.needsGradient();
    }

    @Override
    public Tensor keep(int index, TensorSpec spec) {
        return kept.computeIfAbsent(index, i -> Tensor.unplaced(spec));
    }

    @Override
    public Tensor temporary(TensorSpec spec) {
        return Tensor.unplaced(spec);
    }

    @Override
    public void emit(Kernel kernel) {
        tape.emit(kernel, where);
    }

    @Override
    public Tensor outputGradient(int index) {
        return tape.gradientOf(outputs.get(index));
    }

    @Override
    public Gradient gradient(int index) {
        var input = needing(index);
        if (input.parameterGradient() != null) {
            return new Gradient(input.parameterGradient(), true);
        }
        if (tape.gradientOf(input) != null) {
            return new Gradient(tape.ownGradient(input, where), true);
        }
        var fresh = Tensor.unplaced(input.spec());
        tape.setGradient(input, fresh);
        return new Gradient(fresh, false);
    }

    @Override
    public Tensor freshGradient(int index) {
        var input = needing(index);
        var fresh = Tensor.unplaced(input.spec());
        sums.add(() -> tape.addGradient(input, fresh, where));
        return fresh;
    }

    @Override
    public Tensor parameterGradient(int index) {
        var gradient = needing(index).parameterGradient();
        if (gradient == null) {
            throw new IllegalStateException(op.name() + " at " + where + ": input " + index + " must be a parameter");
        }
        return gradient;
    }

    @Override
    public void passGradient(int index, Tensor gradient) {
        tape.addGradient(needing(index), gradient, where);
    }

    private Var needing(int index) {
        if (!needsGradient(index)) {
            throw new IllegalStateException(op.name() + " at " + where + ": input " + index + " needs no gradient");
        }
        return inputs.get(index);
    }
}
