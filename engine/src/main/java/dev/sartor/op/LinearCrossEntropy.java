package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Projection to the vocabulary and cross-entropy in one, in chunks, so that logits of [rows,
 * vocabulary] never exist. It ends a tape: what is differentiated is the sum of tokenWeights *
 * losses, and the gradient is made along with the losses.
 *
 * <p>Inputs: x [rows, in]; the weight as a parameter, present only if it is trained; bias
 * [vocabulary], optional. Output: losses [rows] float32, 0 where the target is negative.
 *
 * @param targets [rows] int32
 * @param tokenWeights [rows] float32, such as 1 / (number of learned tokens)
 */
public record LinearCrossEntropy(Matrix weight, Tensor targets, Tensor tokenWeights, float softcap) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.features(this, x, weight);
        Check.optional(this, "weight", inputs.get(1), DType.FLOAT32, weight.rows(), weight.columns());
        Check.optional(this, "bias", inputs.get(2), DType.FLOAT32, weight.rows());
        long rows = x.shape().dim(0);
        Check.spec(this, "targets", targets.spec(), DType.INT32, rows);
        Check.spec(this, "token weights", tokenWeights.spec(), DType.FLOAT32, rows);
        return List.of(TensorSpec.of(DType.FLOAT32, rows));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.LinearCrossEntropy(
                f.input(0), weight, f.input(2), targets, tokenWeights, f.output(0),
                f.needsGradient(0) ? f.keep(0, f.input(0).spec()) : null,
                f.needsGradient(1) ? f.parameterGradient(1) : null,
                f.needsGradient(2) ? f.parameterGradient(2) : null, softcap));
    }

    @Override
    public void backward(Frame f) {
        if (f.outputGradient(0) != null) {
            throw new IllegalStateException("LinearCrossEntropy ends a tape; its losses take no gradient");
        }
        if (f.needsGradient(0)) {
            f.passGradient(0, f.keep(0, f.input(0).spec()));
        }
    }
}
