package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * out[t] = sum over j of weights[t, j] * y[inverse[t, j]]: the way back from grouped rows.
 *
 * @param y [rows * topK, width]
 * @param weights [rows, topK] float32, or null for 1
 * @param inverse [rows, topK] int32, of {@link Dispatch}
 * @param out [rows, width]
 */
public record Combine(Tensor y, Tensor weights, Tensor inverse, Tensor out) implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(y, weights, inverse);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(out);
    }

    @Override
    public Combine with(Substitution change) {
        return new Combine(change.of(y), change.of(weights), change.of(inverse), change.of(out));
    }
}
