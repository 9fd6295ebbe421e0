package dev.sartor.bench;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.Combine;
import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.device.kernel.Dispatch;
import dev.sartor.device.kernel.GroupedLinear;
import dev.sartor.device.kernel.GroupedLinearBackward;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.device.kernel.Route;
import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.Routing;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The kernels of a whole layer of experts, as a model records them: the router, top-k routing by softmax
 * over the chosen, SwiGLU experts without adapters, the weighted sum; and back to the layer's input. The
 * experts' weights are frozen.
 */
public final class ExpertLayer {
    private final ExpertSizes sizes;
    private final Routing routing;
    private final Matrix router;
    private final Tensor bias;
    private final List<Matrix> gate;
    private final List<Matrix> up;
    private final List<Matrix> down;
    private final Tensor x;
    private final Tensor xGrouped;
    private final Tensor dx;
    private final Tensor dxGrouped;
    private final Tensor dOut;
    private final Tensor logits;
    private final Tensor indices;
    private final Tensor weights;
    private final Tensor offsets;
    private final Tensor permutation;
    private final Tensor inverse;
    private final Tensor load;
    private final Tensor gates;
    private final Tensor ups;
    private final Tensor activated;
    private final Tensor y;
    private final Tensor out;
    private final Tensor dy;
    private final Tensor dActivated;
    private final Tensor dGates;
    private final Tensor dUps;
    private final Tensor dWeights;
    private final Tensor dLogits;

    /** Inputs are normal numbers, and weights such that products have about the size of their inputs. */
    public ExpertLayer(Operands make, ExpertSizes sizes, DType dtype, WeightKind kind, Skew skew) {
        this.sizes = sizes;
        int rows = sizes.rows();
        routing = Routing.softmax(sizes.topK(), true);
        router = make.packed(make.weight(dtype, sizes.experts(), sizes.hidden()));
        bias = make.zeros(DType.FLOAT32, sizes.experts());
        make.device().write(MemorySegment.ofArray(skew.bias(sizes.experts())), bias);
        gate = make.copies(make.weight(dtype, sizes.ffn(), sizes.hidden()), kind, sizes.experts());
        up = make.copies(make.weight(dtype, sizes.ffn(), sizes.hidden()), kind, sizes.experts());
        down = make.copies(make.weight(dtype, sizes.hidden(), sizes.ffn()), kind, sizes.experts());
        x = make.normal(dtype, sizes.tokens(), sizes.hidden());
        xGrouped = make.normal(dtype, rows, sizes.hidden());
        dx = make.zeros(dtype, sizes.tokens(), sizes.hidden());
        dxGrouped = make.zeros(dtype, rows, sizes.hidden());
        dOut = make.normal(dtype, sizes.tokens(), sizes.hidden());
        logits = make.zeros(dtype, sizes.tokens(), sizes.experts());
        indices = make.zeros(DType.INT32, sizes.tokens(), sizes.topK());
        weights = make.zeros(DType.FLOAT32, sizes.tokens(), sizes.topK());
        offsets = make.zeros(DType.INT32, sizes.experts() + 1);
        permutation = make.zeros(DType.INT32, rows);
        inverse = make.zeros(DType.INT32, sizes.tokens(), sizes.topK());
        load = make.zeros(DType.INT32, sizes.experts());
        gates = make.zeros(dtype, rows, sizes.ffn());
        ups = make.zeros(dtype, rows, sizes.ffn());
        activated = make.zeros(dtype, rows, sizes.ffn());
        y = make.zeros(dtype, rows, sizes.hidden());
        out = make.zeros(dtype, sizes.tokens(), sizes.hidden());
        dy = make.zeros(dtype, rows, sizes.hidden());
        dActivated = make.zeros(dtype, rows, sizes.ffn());
        dGates = make.zeros(dtype, rows, sizes.ffn());
        dUps = make.zeros(dtype, rows, sizes.ffn());
        dWeights = make.zeros(DType.FLOAT32, sizes.tokens(), sizes.topK());
        dLogits = make.zeros(dtype, sizes.tokens(), sizes.experts());
    }

    /** From x to out. */
    public Kernel[] forward() {
        return new Kernel[] {
            new LoraLinear(x, router, bias, null, null, logits, null, null, 0, 0, 0),
            new Route(logits, null, indices, weights, routing),
            new Dispatch(indices, offsets, permutation, inverse, load, 0),
            new GroupedLinear(x, offsets, permutation, sizes.topK(), null, List.of(projection(gate, gates), projection(up, ups))),
            new Activation(gates, ups, activated, ActivationKind.SILU),
            new GroupedLinear(activated, offsets, null, 1, null, List.of(projection(down, y))),
            new Combine(y, weights, inverse, out)
        };
    }

    /** From dOut to dx, through the experts and through the router. */
    public Kernel[] backward() {
        return new Kernel[] {
            new CombineBackward(dOut, y, weights, inverse, dy, dWeights),
            new GroupedLinearBackward(null, dActivated, offsets, null, null, 1, null, List.of(gradient(down, dy)), false),
            new ActivationBackward(dActivated, gates, ups, dGates, dUps, ActivationKind.SILU),
            new GroupedLinearBackward(null, dx, offsets, permutation, inverse, sizes.topK(), null,
                    List.of(gradient(gate, dGates), gradient(up, dUps)), false),
            new RouteBackward(dWeights, logits, indices, dLogits, routing, false),
            new LoraLinearBackward(dLogits, null, null, router, null, null, dx, null, null, null, null, null, 0, 0, 0, true)
        };
    }

    /** What of {@link #forward} is left where rows come in the experts' order and leave in it. */
    public Kernel[] expertsForward() {
        return new Kernel[] {
            new GroupedLinear(xGrouped, offsets, null, 1, null, List.of(projection(gate, gates), projection(up, ups))),
            new Activation(gates, ups, activated, ActivationKind.SILU),
            new GroupedLinear(activated, offsets, null, 1, null, List.of(projection(down, y)))
        };
    }

    /** The same of {@link #backward}. */
    public Kernel[] expertsBackward() {
        return new Kernel[] {
            new GroupedLinearBackward(null, dActivated, offsets, null, null, 1, null, List.of(gradient(down, dy)), false),
            new ActivationBackward(dActivated, gates, ups, dGates, dUps, ActivationKind.SILU),
            new GroupedLinearBackward(null, dxGrouped, offsets, null, null, 1, null,
                    List.of(gradient(gate, dGates), gradient(up, dUps)), false)
        };
    }

    private static GroupedLinear.Projection projection(List<Matrix> weights, Tensor y) {
        return new GroupedLinear.Projection(weights, null, null, null, y, null, 0);
    }

    private static GroupedLinearBackward.Projection gradient(List<Matrix> weights, Tensor dy) {
        return new GroupedLinearBackward.Projection(dy, null, weights, null, null, null, null, null, null, 0);
    }
}
