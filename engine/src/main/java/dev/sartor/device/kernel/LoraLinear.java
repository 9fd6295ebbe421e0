package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * Linear layers of one input, each with an adapter or without: for each projection y = x W^T + bias +
 * scaling h B^T with h = dropout(x) A^T. Dropout takes a call of one projection.
 */
public record LoraLinear(Tensor x, List<Projection> projections, Tensor rng, long site, float dropout) implements Kernel {
    /** As many projections as a call can have. */
    public static final int MAX_PROJECTIONS = 3;

    /**
     * @param bias or null
     * @param loraA null, as loraB and h, without an adapter
     * @param h or null
     */
    public record Projection(
            Matrix weight, Tensor bias, Tensor loraA, Tensor loraB, Tensor y, Tensor h, float scaling) {}

    public LoraLinear {
        projections = List.copyOf(projections);
    }

    /** One layer. */
    public LoraLinear(
            Tensor x, Matrix weight, Tensor bias, Tensor loraA, Tensor loraB, Tensor y, Tensor h, Tensor rng, long site,
            float scaling, float dropout) {
        this(x, List.of(new Projection(weight, bias, loraA, loraB, y, h, scaling)), rng, site, dropout);
    }

    @Override
    public List<Tensor> reads() {
        return Stream.concat(Kernel.present(x, rng).stream(), projections.stream()
                        .flatMap(p -> Kernel.present(p.weight, p.bias, p.loraA, p.loraB).stream()))
                .toList();
    }

    @Override
    public List<Tensor> writes() {
        return projections.stream().flatMap(p -> Kernel.present(p.y, p.h).stream()).toList();
    }
}
