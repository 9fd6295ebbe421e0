package dev.sartor.op;

import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Layer normalization (Ba et al. 2016). Inputs: x [rows, width]; weight [width]; bias [width],
 * optional. Output: as x.
 */
public record LayerNorm(float epsilon) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        Check.spec(this, "weight", inputs.get(1), DType.FLOAT32, x.shape().last());
        Check.optional(this, "bias", inputs.get(2), DType.FLOAT32, x.shape().last());
        return List.of(x);
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.LayerNorm(
                f.input(0), f.input(1), f.input(2), f.output(0), statistic(f, 0), statistic(f, 1), epsilon));
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.FROM_KEPT;
    }

    @Override
    public void backward(Frame f) {
        var dx = f.needsGradient(0) ? f.gradient(0) : new Gradient(null, false);
        f.emit(new LayerNormBackward(
                f.outputGradient(0), f.input(0), f.input(1), statistic(f, 0), statistic(f, 1), dx.tensor(),
                f.needsGradient(1) ? f.parameterGradient(1) : null,
                f.needsGradient(2) ? f.parameterGradient(2) : null,
                dx.accumulate()));
    }

    private static Tensor statistic(Frame f, int index) {
        return f.keep(index, TensorSpec.of(DType.FLOAT32, f.input(0).shape().dim(0)));
    }
}
