package dev.sartor.peft.lora;

import dev.sartor.device.Device;
import dev.sartor.device.Matrix;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Projection;
import dev.sartor.op.LoraLinear;
import dev.sartor.peft.MergeableAdapter;
import dev.sartor.peft.WeightMerge;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.Tensor;
import java.util.Optional;

/**
 * y = W x + bias + scaling B A dropout(x) (Hu et al. 2021, section 4.1), as one op. Dropout acts only
 * where a tape is for training.
 *
 * @param a [r, in]
 * @param b [out, r]
 * @param dropout probability of dropping an element of x
 * @param rng seed and step of the masks, two int64
 * @param site tells this layer's masks from those of others
 */
record LoraAdapter(Parameter a, Parameter b, float scaling, float dropout, Tensor rng, long site) implements MergeableAdapter {
    @Override
    public Var apply(Tape tape, Linear base, Var x) {
        return apply(tape, base, x, base.bias(), tape.isTraining() ? dropout : 0);
    }

    @Override
    public Optional<Projection> projection(Tape tape, Linear base) {
        if (tape.isTraining() && dropout > 0) {
            return Optional.empty();
        }
        var layer = new LoraLinear.Layer(base.weight().matrix(), scaling);
        return Optional.of(new Projection(layer, base.weight().parameter(), base.bias(), a, b));
    }

    /** With another bias (or none, if null) and dropout. */
    Var apply(Tape tape, Linear base, Var x, Parameter bias, float probability) {
        var op = new LoraLinear(base.weight().matrix(), scaling, probability, probability > 0 ? rng : null, site);
        return tape.apply(op, x, tape.parameter(base.weight().parameter()), tape.parameter(bias), tape.parameter(a),
                tape.parameter(b));
    }

    @Override
    public WeightMerge merge(Device device, Matrix weight, boolean transposed) {
        return new LoraMerge(device, weight, transposed, this, null);
    }
}
