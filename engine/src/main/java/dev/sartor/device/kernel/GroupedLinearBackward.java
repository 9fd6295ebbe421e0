package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Gradients of {@link GroupedLinear}; whatever is null is not computed. Parameter gradients are added
 * to; dx, of x's shape, is one sum over the projections, and over a token's rows in the order of its choices.
 *
 * @param inverse [rows] int32, with a permutation
 */
public record GroupedLinearBackward(
        Tensor x, Tensor dx, Tensor offsets, Tensor permutation, Tensor inverse, int topK, ExpertAdapters adapters,
        List<Projection> projections, boolean accumulate) implements Kernel {
    /** What there is of one layer, and what is asked for; dWeight is [experts, out, in]. */
    public record Projection(
            Tensor dy,
            Tensor h,
            List<Matrix> weights,
            Tensor loraA,
            Tensor loraB,
            Tensor dLoraA,
            Tensor dLoraB,
            Tensor dWeight,
            Tensor dBias,
            float scaling) {
        private Projection with(Substitution change) {
            return new Projection(change.of(dy), change.of(h), GroupedLinear.of(weights, change), change.of(loraA), change.of(loraB),
                    change.of(dLoraA), change.of(dLoraB), change.of(dWeight), change.of(dBias), scaling);
        }
    }

    public GroupedLinearBackward {
        projections = List.copyOf(projections);
    }

    @Override
    public List<Tensor> reads() {
        var reads = new ArrayList<>(Kernel.present(x, offsets, permutation, inverse));
        for (var p : projections) {
            p.weights.forEach(weight -> reads.addAll(weight.tensors()));
            reads.addAll(Kernel.present(p.dy, p.h, p.loraA, p.loraB));
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
    public GroupedLinearBackward with(Substitution change) {
        return new GroupedLinearBackward(change.of(x), change.of(dx), change.of(offsets), change.of(permutation), change.of(inverse),
                topK, adapters, projections.stream().map(each -> each.with(change)).toList(), accumulate);
    }
}
