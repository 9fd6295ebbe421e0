package dev.sartor.op;

import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Root mean square normalization (Zhang and Sennrich 2019) over groups of the innermost dimension.
 *
 * <p>Inputs: x [rows, groups * width]; weight [width]; residual as x, optional. With one group it is the
 * usual norm; with one group a head it is Qwen3's norm of queries and keys. Output: as x; with a
 * residual, the norm of x + residual, and that sum.
 */
public record RmsNorm(float epsilon) implements Op {
    private static final int RESIDUAL = 2;

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        long width = inputs.get(1).shape().last();
        Check.spec(this, "weight", inputs.get(1), DType.FLOAT32, width);
        Check.that(x.shape().last() % width == 0, this, "x %s is no multiple of the weight's %d", x, width);
        return Residual.outputs(this, x, inputs.get(RESIDUAL));
    }

    @Override
    public void forward(Frame f) {
        var residual = f.input(RESIDUAL);
        emit(f, f.input(0), grouped(f, residual), residual == null ? null : grouped(f, f.output(Residual.SUM)));
    }

    /** The sum is kept: what is computed again is its norm. */
    @Override
    public void recompute(Frame f, int output) {
        emit(f, Residual.normalized(f, RESIDUAL), null, null);
    }

    private void emit(Frame f, Tensor x, Tensor residual, Tensor sum) {
        f.emit(new dev.sartor.device.kernel.RmsNorm(
                grouped(f, x), residual, sum, f.input(1), grouped(f, f.output(Residual.NORMED)), inverseRms(f), epsilon));
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
        f.emit(new RmsNormBackward(
                grouped(f, dy), grouped(f, Residual.normalized(f, RESIDUAL)), grouped(f, Residual.beside(f, RESIDUAL)), f.input(1),
                inverseRms(f), grouped(f, dx.tensor()), f.needsGradient(1) ? f.parameterGradient(1) : null, dx.accumulate()));
        Residual.pass(f, RESIDUAL, dx.tensor());
    }

    private static Tensor grouped(Frame f, Tensor x) {
        if (x == null) {
            return null;
        }
        long width = f.input(1).shape().last();
        return x.reshape(x.shape().elements() / width, width);
    }

    private static Tensor inverseRms(Frame f) {
        return f.keep(0, TensorSpec.of(DType.FLOAT32, f.input(0).shape().elements() / f.input(1).shape().last()));
    }
}
