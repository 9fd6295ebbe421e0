package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Projection to float32 logits, for evaluation and generation; training goes through {@link
 * LinearCrossEntropy}. Inputs: x [rows, in]; bias [vocabulary], optional. Output: [rows, vocabulary].
 */
public record Logits(Matrix weight, float softcap) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.features(this, x, weight);
        Check.optional(this, "bias", inputs.get(1), DType.FLOAT32, weight.rows());
        return List.of(TensorSpec.of(DType.FLOAT32, x.shape().dim(0), weight.rows()));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Logits(f.input(0), weight, f.input(1), f.output(0), softcap));
    }

    @Override
    public void backward(Frame f) {
        throw new IllegalStateException("logits take no gradient; use LinearCrossEntropy");
    }
}
