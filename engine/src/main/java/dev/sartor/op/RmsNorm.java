package dev.sartor.op;

import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Root mean square normalization (Zhang and Sennrich 2019) over groups of the innermost dimension.
 *
 * <p>Inputs: x [rows, groups * width]; weight [width]. With one group it is the usual norm; with one
 * group a head it is Qwen3's norm of queries and keys. Output: as x.
 */
public record RmsNorm(float epsilon) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        long width = inputs.get(1).shape().last();
        Check.spec(this, "weight", inputs.get(1), DType.FLOAT32, width);
        Check.that(x.shape().last() % width == 0, this, "x %s is no multiple of the weight's %d", x, width);
        return List.of(x);
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.RmsNorm(
                grouped(f, f.input(0)), f.input(1), grouped(f, f.output(0)), inverseRms(f), epsilon));
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.FROM_KEPT;
    }

    @Override
    public void backward(Frame f) {
        var dx = f.needsGradient(0) ? f.gradient(0) : new Gradient(null, false);
        f.emit(new RmsNormBackward(
                grouped(f, f.outputGradient(0)), grouped(f, f.input(0)), f.input(1), inverseRms(f),
                dx.tensor() == null ? null : grouped(f, dx.tensor()),
                f.needsGradient(1) ? f.parameterGradient(1) : null, dx.accumulate()));
    }

    private static Tensor grouped(Frame f, Tensor x) {
        long width = f.input(1).shape().last();
        return x.reshape(x.shape().elements() / width, width);
    }

    private static Tensor inverseRms(Frame f) {
        return f.keep(0, TensorSpec.of(DType.FLOAT32, f.input(0).shape().elements() / f.input(1).shape().last()));
    }
}
