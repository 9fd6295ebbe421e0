package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The experts' linear layers, each on the grouped rows that its expert has (see {@link Dispatch}): y[r] =
 * x_r W_e^T + bias_e + scaling h[r] B^T with h[r] = x_r A^T. All rows of x are read through the
 * permutation, if there is one.
 *
 * @param x [rows / topK, in]; without a permutation grouped rows [rows, in]
 * @param offsets [experts + 1] int32
 * @param permutation [rows] int32, or null
 * @param topK assignments of a row of x; 1 without a permutation
 * @param adapters null where no projection has one
 * @param projections layers of one input, such as gate and up: at most {@link LoraLinear#MAX_PROJECTIONS}
 */
public record GroupedLinear(
        Tensor x, Tensor offsets, Tensor permutation, int topK, ExpertAdapters adapters, List<Projection> projections) implements Kernel {
    /**
     * @param weights one an expert, [out, in] each, of any kinds
     * @param bias [experts, out], or null
     * @param loraA [adapters, rank, in]; null, as loraB and h, without adapters
     * @param loraB [adapters, out, rank]
     * @param y [rows, out]
     * @param h [rows, rank], or null
     */
    public record Projection(
            List<Matrix> weights, Tensor bias, Tensor loraA, Tensor loraB, Tensor y, Tensor h, float scaling) {
        private Projection with(Substitution change) {
            return new Projection(of(weights, change), change.of(bias), change.of(loraA), change.of(loraB), change.of(y),
                    change.of(h), scaling);
        }
    }

    public GroupedLinear {
        projections = List.copyOf(projections);
    }

    @Override
    public List<Tensor> reads() {
        var reads = new ArrayList<>(Kernel.present(x, offsets, permutation));
        for (var p : projections) {
            p.weights.forEach(weight -> reads.addAll(weight.tensors()));
            reads.addAll(Kernel.present(p.bias, p.loraA, p.loraB));
        }
        return reads;
    }

    @Override
    public List<Tensor> writes() {
        var writes = new ArrayList<Tensor>();
        for (var p : projections) {
            writes.addAll(Kernel.present(p.y, p.h));
        }
        return writes;
    }

    @Override
    public GroupedLinear with(Substitution change) {
        return new GroupedLinear(change.of(x), change.of(offsets), change.of(permutation), topK, adapters,
                projections.stream().map(each -> each.with(change)).toList());
    }

    static List<Matrix> of(List<Matrix> weights, Substitution change) {
        return weights.stream().map(change::of).toList();
    }
}
