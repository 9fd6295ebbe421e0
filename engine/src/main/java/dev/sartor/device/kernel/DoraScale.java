package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** scale = magnitude / norm with norm the row norms of W + scaling B A. */
public record DoraScale(
        Matrix weight,
        Tensor loraA,
        Tensor loraB,
        Tensor magnitude,
        Tensor scale,
        Tensor norm,
        float scaling)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(weight, loraA, loraB, magnitude);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(scale, norm);
    }

    @Override
    public DoraScale with(Substitution change) {
        return new DoraScale(change.of(weight), change.of(loraA), change.of(loraB), change.of(magnitude), change.of(scale),
                change.of(norm), scaling);
    }
}
