package dev.sartor.nn;

import dev.sartor.op.LoraLinear;
import dev.sartor.quant.Weight;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.Objects;
import java.util.Optional;

/**
 * y = x W^T + bias: a slot that an adapter can take. Weight, bias and adapter can be exchanged
 * between recordings; what was recorded keeps what it saw.
 */
public final class Linear implements Module {
    private final String name;
    private final boolean transposed;
    private Weight weight;
    private Parameter bias;
    private Adapter adapter;

    /**
     * @param bias [out], or null
     * @param transposed whether the checkpoint stores the weight as [in, out] (GPT-2's Conv1D)
     */
    public Linear(String name, Weight weight, Parameter bias, boolean transposed) {
        this.name = Objects.requireNonNull(name);
        this.weight = Objects.requireNonNull(weight);
        this.bias = bias;
        this.transposed = transposed;
    }

    @Override
    public String name() {
        return name;
    }

    public boolean isTransposed() {
        return transposed;
    }

    public Weight weight() {
        return weight;
    }

    public void setWeight(Weight weight) {
        this.weight = Objects.requireNonNull(weight);
    }

    /** [out] float32, or null. */
    public Parameter bias() {
        return bias;
    }

    public void setBias(Parameter bias) {
        this.bias = bias;
    }

    /** The adapter in use, or null. */
    public Adapter adapter() {
        return adapter;
    }

    public void setAdapter(Adapter adapter) {
        this.adapter = adapter;
    }

    /**
     * @param x [rows, in]
     * @return [rows, out]
     */
    public Var forward(Tape tape, Var x) {
        return tape.in(name, () -> adapter == null ? plain(tape, x) : adapter.apply(tape, this, x));
    }

    /** The layer as one of several of one input; nothing where its adapter asks for an op of its own. */
    Optional<Projection> projection(Tape tape) {
        return adapter != null
                ? adapter.projection(tape, this)
                : Optional.of(new Projection(new LoraLinear.Layer(weight.matrix(), 0), weight.parameter(), bias, null, null));
    }

    /** Without the adapter. */
    public Var plain(Tape tape, Var x) {
        return tape.apply(LoraLinear.plain(weight.matrix()), x, tape.parameter(weight.parameter()),
                tape.parameter(bias), null, null);
    }
}
