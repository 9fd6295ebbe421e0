package dev.sartor.op;

import dev.sartor.device.kernel.ColumnScaleBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * x * scale + bias, by column. Inputs: x [rows, width]; scale [width] float32; bias [width] float32,
 * optional. Output: as x.
 */
public record ColumnScale() implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        Check.spec(this, "scale", inputs.get(1), DType.FLOAT32, x.shape().last());
        Check.optional(this, "bias", inputs.get(2), DType.FLOAT32, x.shape().last());
        return List.of(x);
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.ColumnScale(f.input(0), f.input(1), f.input(2), f.output(0)));
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.FROM_KEPT;
    }

    @Override
    public void backward(Frame f) {
        var dx = f.needsGradient(0) ? f.gradient(0) : new Gradient(null, false);
        f.emit(new ColumnScaleBackward(
                f.outputGradient(0), f.input(0), f.input(1), dx.tensor(),
                f.needsGradient(1) ? f.freshGradient(1) : null,
                f.needsGradient(2) ? f.parameterGradient(2) : null, dx.accumulate()));
    }
}
