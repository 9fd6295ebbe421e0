package dev.sartor.op;

import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.Routing;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Top-k routing of a mixture of experts (Shazeer et al. 2017, section 2.1; DeepSeek-V3, section 2.1.2).
 *
 * <p>Inputs: logits [rows, experts]; correction bias [experts] float32, optional: added to the scores
 * for the choice only, so it takes no gradient. Outputs: {@link #INDICES} [rows, top_k] int32, the
 * best expert first; {@link #WEIGHTS} [rows, top_k] float32. The gradient flows through the weights.
 */
public record Route(Routing routing) implements Op {
    public static final int INDICES = 0;
    public static final int WEIGHTS = 1;

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var logits = inputs.getFirst();
        Check.activation(this, "logits", logits);
        long experts = logits.shape().last();
        Check.that(routing.topK() >= 1 && routing.topK() <= experts, this, "top_k %d is not in [1, %d experts]", routing.topK(),
                experts);
        Check.optional(this, "correction bias", inputs.get(1), DType.FLOAT32, experts);
        long rows = logits.shape().dim(0);
        return List.of(TensorSpec.of(DType.INT32, rows, routing.topK()), TensorSpec.of(DType.FLOAT32, rows, routing.topK()));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Route(f.input(0), f.input(1), f.output(INDICES), f.output(WEIGHTS), routing));
    }

    @Override
    public void backward(Frame f) {
        var dWeights = f.outputGradient(WEIGHTS);
        if (dWeights == null || !f.needsGradient(0)) {
            return;
        }
        var dLogits = f.gradient(0);
        f.emit(new RouteBackward(dWeights, f.input(0), f.output(INDICES), dLogits.tensor(), routing, dLogits.accumulate()));
    }
}
