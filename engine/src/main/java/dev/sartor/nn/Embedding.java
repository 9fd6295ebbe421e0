package dev.sartor.nn;

import dev.sartor.quant.Weight;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.Objects;

/** A table of vectors, one a token or a position. */
public final class Embedding implements Module {
    private final String name;
    private Weight weight;

    /** @param weight [entries, width] */
    public Embedding(String name, Weight weight) {
        this.name = Objects.requireNonNull(name);
        this.weight = Objects.requireNonNull(weight);
    }

    @Override
    public String name() {
        return name;
    }

    public Weight weight() {
        return weight;
    }

    public void setWeight(Weight weight) {
        this.weight = Objects.requireNonNull(weight);
    }

    /**
     * @param ids int32, any shape
     * @return [ids, width] of dtype
     */
    public Var forward(Tape tape, Tensor ids, DType dtype) {
        return tape.in(name, () -> tape.apply(new dev.sartor.op.Embedding(weight.matrix(), ids, dtype),
                tape.parameter(weight.parameter())));
    }
}
