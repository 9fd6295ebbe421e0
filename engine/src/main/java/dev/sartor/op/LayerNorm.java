package dev.sartor.op;

import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Layer normalization (Ba et al. 2016). Inputs: x [rows, width]; weight [width]; bias [width], optional;
 * residual as x, optional. Output: as x; with a residual, the norm of x + residual, and that sum.
 */
public record LayerNorm(float epsilon) implements Op {
    private static final int RESIDUAL = 3;

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        Check.spec(this, "weight", inputs.get(1), DType.FLOAT32, x.shape().last());
        Check.optional(this, "bias", inputs.get(2), DType.FLOAT32, x.shape().last());
        return Residual.outputs(this, x, inputs.get(RESIDUAL));
    }

    @Override
    public void forward(Frame f) {
        var residual = f.input(RESIDUAL);
        emit(f, f.input(0), residual, residual == null ? null : f.output(Residual.SUM));
    }

    /** The sum is kept: what is computed again is its norm. */
    @Override
    public void recompute(Frame f, int output) {
        emit(f, Residual.normalized(f, RESIDUAL), null, null);
    }

    private void emit(Frame f, Tensor x, Tensor residual, Tensor sum) {
        f.emit(new dev.sartor.device.kernel.LayerNorm(
                x, residual, sum, f.input(1), f.input(2), f.output(Residual.NORMED), statistic(f, 0), statistic(f, 1), epsilon));
    }

    @Override
    public Recomputation recomputation(int output) {
        return output == Residual.NORMED ? Recomputation.FROM_KEPT : Recomputation.NEVER;
    }

    @Override
    public void backward(Frame f) {
        var dy = f.outputGradient(Residual.NORMED);
        if (dy == null) {
            Residual.pass(f, RESIDUAL, f.outputGradient(Residual.SUM));
            return;
        }
        var dx = Residual.gradient(f, RESIDUAL);
        f.emit(new LayerNormBackward(
                dy, Residual.normalized(f, RESIDUAL), Residual.beside(f, RESIDUAL), f.input(1), statistic(f, 0), statistic(f, 1),
                dx.tensor(), f.needsGradient(1) ? f.parameterGradient(1) : null,
                f.needsGradient(2) ? f.parameterGradient(2) : null, dx.accumulate()));
        Residual.pass(f, RESIDUAL, dx.tensor());
    }

    private static Tensor statistic(Frame f, int index) {
        return f.keep(index, TensorSpec.of(DType.FLOAT32, f.input(0).shape().dim(0)));
    }
}
