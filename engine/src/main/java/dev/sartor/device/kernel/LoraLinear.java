package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

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
            Matrix weight, Tensor bias, Tensor loraA, Tensor loraB, Tensor y, Tensor h, float scaling) {
        private Projection with(Substitution change) {
            return new Projection(change.of(weight), change.of(bias), change.of(loraA), change.of(loraB), change.of(y),
                    change.of(h), scaling);
        }
    }

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
        var reads = new ArrayList<>(Kernel.present(x, rng));
        for (var p : projections) {
            reads.addAll(Kernel.present(p.weight, p.bias, p.loraA, p.loraB));
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
    public LoraLinear with(Substitution change) {
        return new LoraLinear(change.of(x), projections.stream().map(each -> each.with(change)).toList(), change.of(rng), site,
                dropout);
    }
}
