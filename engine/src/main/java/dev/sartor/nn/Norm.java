package dev.sartor.nn;

import dev.sartor.op.LayerNorm;
import dev.sartor.op.Op;
import dev.sartor.op.RmsNorm;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;
import java.util.Objects;

/** A normalization: root mean square, or with mean and bias. */
public final class Norm implements Module {
    private final String name;
    private final Op op;
    private Parameter weight;
    private Parameter bias;

    private Norm(String name, Op op, Parameter weight, Parameter bias) {
        this.name = name;
        this.op = op;
        this.weight = Objects.requireNonNull(weight);
        this.bias = bias;
    }

    public static Norm rms(String name, Parameter weight, float epsilon) {
        return new Norm(name, new RmsNorm(epsilon), weight, null);
    }

    /** @param bias or null */
    public static Norm layer(String name, Parameter weight, Parameter bias, float epsilon) {
        return new Norm(name, new LayerNorm(epsilon), weight, bias);
    }

    @Override
    public String name() {
        return name;
    }

    /** [width] float32. */
    public Parameter weight() {
        return weight;
    }

    public void setWeight(Parameter weight) {
        this.weight = Objects.requireNonNull(weight);
    }

    /** [width] float32, or null. */
    public Parameter bias() {
        return bias;
    }

    public void setBias(Parameter bias) {
        this.bias = bias;
    }

    /**
     * @param x [rows, groups * width]
     * @return as x
     */
    public Var forward(Tape tape, Var x) {
        return apply(tape, x, null).getFirst();
    }

    /** A sum and its norm. */
    public record Sum(Var sum, Var normed) {}

    /**
     * The norm of x + residual, in the same pass as the sum.
     *
     * @param x [rows, width]
     * @param residual as x
     */
    public Sum ofSum(Tape tape, Var x, Var residual) {
        var outputs = apply(tape, x, residual);
        return new Sum(outputs.get(1), outputs.get(0));
    }

    private List<Var> apply(Tape tape, Var x, Var residual) {
        return tape.in(name, () -> op instanceof RmsNorm
                ? tape.applyAll(op, x, tape.parameter(weight), residual)
                : tape.applyAll(op, x, tape.parameter(weight), tape.parameter(bias), residual));
    }
}
