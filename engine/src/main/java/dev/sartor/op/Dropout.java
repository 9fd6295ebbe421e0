package dev.sartor.op;

import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Inverted dropout with masks that are recomputed, never stored. Input: x. Output: as x.
 *
 * @param rng seed and step, two int64
 * @param site tells this layer's masks from those of others
 */
public record Dropout(Tensor rng, long site, float probability) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        Check.activation(this, "x", inputs.getFirst());
        Check.that(probability >= 0 && probability < 1, this, "probability %f is not in [0, 1)", probability);
        return List.of(inputs.getFirst());
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Dropout(f.input(0), f.output(0), rng, site, probability, false));
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.CHAINED;
    }

    @Override
    public void backward(Frame f) {
        var dx = f.gradient(0);
        f.emit(new dev.sartor.device.kernel.Dropout(
                f.outputGradient(0), dx.tensor(), rng, site, probability, dx.accumulate()));
    }
}
