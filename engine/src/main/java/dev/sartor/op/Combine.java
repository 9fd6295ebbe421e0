package dev.sartor.op;

import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * The weighted sum of each token's rows among the experts': out[t] = sum over j of weights[t, j] *
 * y[inverse[t, j]], in the order of j. Dropped assignments add nothing.
 *
 * <p>Inputs: y [rows * top_k, width]; weights [rows, top_k] float32; inverse [rows, top_k] int32, of
 * {@link Dispatch}. Output: [rows, width].
 */
public record Combine() implements Op {
    private static final int Y = 0;
    private static final int WEIGHTS = 1;
    private static final int INVERSE = 2;

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var y = inputs.get(Y);
        var weights = inputs.get(WEIGHTS);
        Check.activation(this, "y", y);
        Check.that(weights.shape().rank() == 2, this, "weights must be [rows, top_k], are %s", weights);
        long rows = weights.shape().dim(0);
        Check.spec(this, "weights", weights, DType.FLOAT32, rows, weights.shape().dim(1));
        Check.spec(this, "inverse", inputs.get(INVERSE), DType.INT32, rows, weights.shape().dim(1));
        Check.that(y.shape().dim(0) == weights.shape().elements(), this, "y %s must have a row for each of the weights %s", y,
                weights);
        return List.of(TensorSpec.of(y.dtype(), rows, y.shape().last()));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Combine(f.input(Y), f.input(WEIGHTS), f.input(INVERSE), f.output(0)));
    }

    @Override
    public void backward(Frame f) {
        boolean weights = f.needsGradient(WEIGHTS);
        if (!weights && !f.needsGradient(Y)) {
            return;
        }
        f.emit(new CombineBackward(
                f.outputGradient(0), weights ? f.input(Y) : null, f.input(WEIGHTS), f.input(INVERSE),
                f.needsGradient(Y) ? f.freshGradient(Y) : null, weights ? f.freshGradient(WEIGHTS) : null));
    }
}
