package dev.sartor.op;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The routers' losses. It ends a tape: what is differentiated is scale * (auxLossCoef * load-balancing loss + zLossCoef *
 * z-loss), and the gradient is made along with the losses.
 *
 * <p>The load-balancing loss is Transformers' load_balancing_loss_func (Fedus et al. 2021, section 2.2): experts * sum
 * over experts e of (share of assignments to e * mean probability of e), both over the tokens of all layers. The z-loss
 * (Zoph et al. 2022, section 3.3) is the mean of logsumexp(logits)^2. Inputs: each layer's logits [rows, experts].
 * Output: [2] float32, both losses without coefficients.
 *
 * @param tokenWeights [rows] float32, 0 for padding; null for 1
 * @param scale [1] float32, such as 1 / gradient_accumulation_steps; null for 1
 */
public record RouterLosses(int topK, float auxLossCoef, float zLossCoef, Tensor tokenWeights, Tensor scale) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        Check.that(!inputs.isEmpty(), this, "no router's logits");
        var logits = inputs.getFirst();
        Check.activation(this, "logits", logits);
        inputs.forEach(other -> Check.that(other.equals(logits), this, "logits %s of one layer, %s of another", logits, other));
        Check.that(topK >= 1 && topK <= logits.shape().last(), this, "top_k %d is not in [1, %d experts]", topK, logits.shape().last());
        if (tokenWeights != null) {
            Check.spec(this, "token weights", tokenWeights.spec(), DType.FLOAT32, logits.shape().dim(0));
        }
        if (scale != null) {
            Check.spec(this, "scale", scale.spec(), DType.FLOAT32, 1);
        }
        return List.of(TensorSpec.of(DType.FLOAT32, 2));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.RouterLosses(
                IntStream.range(0, f.inputCount())
                        .mapToObj(i -> new dev.sartor.device.kernel.RouterLosses.Layer(
                                f.input(i), f.needsGradient(i) ? f.keep(i, f.input(i).spec()) : null))
                        .toList(),
                tokenWeights, scale, f.output(0), topK, auxLossCoef, zLossCoef));
    }

    @Override
    public void backward(Frame f) {
        if (f.outputGradient(0) != null) {
            throw new IllegalStateException("RouterLosses ends a tape; its losses take no gradient");
        }
        for (int i = 0; i < f.inputCount(); i++) {
            if (f.needsGradient(i)) {
                f.passGradient(i, f.keep(i, f.input(i).spec()));
            }
        }
    }
}
