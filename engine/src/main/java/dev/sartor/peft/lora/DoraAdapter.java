package dev.sartor.peft.lora;

import dev.sartor.device.Device;
import dev.sartor.device.Matrix;
import dev.sartor.nn.Linear;
import dev.sartor.op.Add;
import dev.sartor.op.ColumnScale;
import dev.sartor.op.DoraScale;
import dev.sartor.op.Dropout;
import dev.sartor.op.LoraLinear;
import dev.sartor.peft.MergeableAdapter;
import dev.sartor.peft.WeightMerge;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;

/**
 * DoRA (Liu et al. 2024, section 4): y = s * (W x + scaling B A x) + bias with s = magnitude /
 * ||W + scaling B A|| by row, whose norm counts as a constant in the gradient.
 *
 * <p>With dropout, PEFT computes W x + bias + (s - 1) * W d + s * scaling B A d where d = dropout(x):
 * the base model's own product sees x, all that training changes sees d. That equals W (x - d) + bias +
 * s * (W d + scaling B A d), which takes two products with W instead of PEFT's two and a half: a plain
 * layer on x - d and a low-rank one on d.
 *
 * @param magnitude [out]
 */
record DoraAdapter(LoraAdapter lora, Parameter magnitude) implements MergeableAdapter {
    @Override
    public Var apply(Tape tape, Linear base, Var x) {
        var scale = tape.apply(new DoraScale(base.weight().matrix(), lora.scaling()), tape.parameter(magnitude),
                tape.parameter(lora.a()), tape.parameter(lora.b()));
        if (!tape.isTraining() || lora.dropout() == 0) {
            var product = lora.apply(tape, base, x, null, 0);
            return tape.apply(new ColumnScale(), product, scale, tape.parameter(base.bias()));
        }
        var dropped = tape.apply(new Dropout(lora.rng(), lora.site(), lora.dropout()), x);
        var rest = tape.apply(new Add(1, -1), x, dropped);
        var untouched = tape.apply(LoraLinear.plain(base.weight().matrix()), rest,
                tape.parameter(base.weight().parameter()), tape.parameter(base.bias()), null, null);
        var product = lora.apply(tape, base, dropped, null, 0);
        return tape.apply(Add.SUM, untouched, tape.apply(new ColumnScale(), product, scale, null));
    }

    @Override
    public WeightMerge merge(Device device, Matrix weight, boolean transposed) {
        return new LoraMerge(device, weight, transposed, lora, magnitude);
    }
}
