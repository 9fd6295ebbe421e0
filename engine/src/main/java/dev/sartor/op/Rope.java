package dev.sartor.op;

import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Rotary position embedding (Su et al. 2021) of heads that lie side by side. Input: x [rows, heads *
 * headDim]. Output: as x.
 *
 * @param cosine [positions, rotaryDim / 2] float32
 * @param sine as cosine
 * @param positions [rows] int32
 * @param interleaved whether pairs are neighbours (2i, 2i + 1) or halves (i, i + rotaryDim / 2)
 */
public record Rope(Tensor cosine, Tensor sine, Tensor positions, int headDim, boolean interleaved) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        Check.that(x.shape().last() % headDim == 0, this, "x %s is no multiple of head_dim %d", x, headDim);
        Check.that(positions.shape().elements() == x.shape().dim(0), this, "%s positions for x %s", positions.spec(), x);
        return List.of(x);
    }

    @Override
    public void forward(Frame f) {
        rotate(f, f.input(0), f.output(0), false, false);
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.CHAINED;
    }

    @Override
    public void backward(Frame f) {
        var dx = f.gradient(0);
        rotate(f, f.outputGradient(0), dx.tensor(), true, dx.accumulate());
    }

    private void rotate(Frame f, Tensor x, Tensor y, boolean inverse, boolean accumulate) {
        f.emit(new dev.sartor.device.kernel.Rope(
                Columns.of(x), Columns.of(y), cosine, sine, positions, headDim, interleaved, inverse, accumulate));
    }
}
