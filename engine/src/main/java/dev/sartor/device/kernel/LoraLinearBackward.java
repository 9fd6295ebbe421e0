package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * Gradients of {@link LoraLinear}; whatever is null is not computed. Parameter gradients are added
 * to; dx is one sum over the projections.
 */
public record LoraLinearBackward(
        Tensor x, Tensor dx, List<Projection> projections, Tensor rng, long site, float dropout, boolean accumulate)
        implements Kernel {
    /** What there is of one layer, and what is asked for. */
    public record Projection(
            Tensor dy,
            Tensor h,
            Matrix weight,
            Tensor loraA,
            Tensor loraB,
            Tensor dLoraA,
            Tensor dLoraB,
            Tensor dWeight,
            Tensor dBias,
            float scaling) {}

    public LoraLinearBackward {
        projections = List.copyOf(projections);
    }

    /** Of one layer. */
    public LoraLinearBackward(
            Tensor dy, Tensor x, Tensor h, Matrix weight, Tensor loraA, Tensor loraB, Tensor dx, Tensor dLoraA, Tensor dLoraB,
            Tensor dWeight, Tensor dBias, Tensor rng, long site, float scaling, float dropout, boolean accumulate) {
        this(x, dx, List.of(new Projection(dy, h, weight, loraA, loraB, dLoraA, dLoraB, dWeight, dBias, scaling)), rng, site,
                dropout, accumulate);
    }

    @Override
    public List<Tensor> reads() {
        return Stream.concat(Kernel.present(x, rng).stream(), projections.stream()
                        .flatMap(p -> Kernel.present(p.weight, p.dy, p.h, p.loraA, p.loraB).stream()))
                .toList();
    }

    @Override
    public List<Tensor> writes() {
        return Stream.concat(Kernel.present(dx).stream(), projections.stream()
                        .flatMap(p -> Kernel.present(p.dLoraA, p.dLoraB, p.dWeight, p.dBias).stream()))
                .toList();
    }
}
