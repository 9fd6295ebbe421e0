package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

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
            float scaling) {
        private Projection with(Substitution change) {
            return new Projection(change.of(dy), change.of(h), change.of(weight), change.of(loraA), change.of(loraB),
                    change.of(dLoraA), change.of(dLoraB), change.of(dWeight), change.of(dBias), scaling);
        }
    }

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
        var reads = new ArrayList<>(Kernel.present(x, rng));
        for (var p : projections) {
            reads.addAll(Kernel.present(p.weight, p.dy, p.h, p.loraA, p.loraB));
        }
        return reads;
    }

    @Override
    public List<Tensor> writes() {
        var writes = new ArrayList<>(Kernel.present(dx));
        for (var p : projections) {
            writes.addAll(Kernel.present(p.dLoraA, p.dLoraB, p.dWeight, p.dBias));
        }
        return writes;
    }

    @Override
    public LoraLinearBackward with(Substitution change) {
        return new LoraLinearBackward(change.of(x), change.of(dx), projections.stream().map(each -> each.with(change)).toList(),
                change.of(rng), site, dropout, accumulate);
    }
}
