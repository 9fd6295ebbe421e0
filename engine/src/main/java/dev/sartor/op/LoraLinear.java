package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Linear layers of one input, each with an optional low-rank adapter (Hu et al. 2021, section 4.1):
 * y = x W^T + bias + scaling (dropout(x) A^T) B^T.
 *
 * <p>Inputs: x [rows, in]; then for each layer its weight as a parameter [out, in], present only if it is
 * trained; bias [out]; lora_A [rank, in] and lora_B [out, rank], both or neither. Outputs: [rows, out]
 * of each layer. Dropout takes an op of one layer.
 *
 * @param rng seed and step of the dropout masks, two int64; null where dropout is 0
 * @param site tells this layer's masks from those of others
 */
public record LoraLinear(List<Layer> layers, float dropout, Tensor rng, long site) implements Op {
    /** As many layers as an op can have. */
    public static final int MAX_LAYERS = dev.sartor.device.kernel.LoraLinear.MAX_PROJECTIONS;

    private static final int X = 0;
    private static final int WEIGHT = 1;
    private static final int BIAS = 2;
    private static final int LORA_A = 3;
    private static final int LORA_B = 4;
    private static final int INPUTS = 4;

    /**
     * @param weight where the weight's elements are
     * @param scaling of the adapter, if there is one
     */
    public record Layer(Matrix weight, float scaling) {}

    public LoraLinear {
        layers = List.copyOf(layers);
        if (layers.isEmpty() || layers.size() > MAX_LAYERS) {
            throw new IllegalArgumentException(layers.size() + " layers: expected 1 to " + MAX_LAYERS);
        }
        if (dropout < 0 || dropout >= 1 || (dropout > 0 && rng == null)) {
            throw new IllegalArgumentException("dropout " + dropout + " must be in [0, 1), with a random stream");
        }
        if (dropout > 0 && layers.size() > 1) {
            throw new IllegalArgumentException("dropout " + dropout + " with " + layers.size() + " layers: expected one");
        }
    }

    /** One layer. */
    public LoraLinear(Matrix weight, float scaling, float dropout, Tensor rng, long site) {
        this(List.of(new Layer(weight, scaling)), dropout, rng, site);
    }

    /** A linear layer without an adapter. */
    public static LoraLinear plain(Matrix weight) {
        return new LoraLinear(weight, 0, 0, null, 0);
    }

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.get(X);
        var outputs = new ArrayList<TensorSpec>();
        for (int i = 0; i < layers.size(); i++) {
            var weight = layers.get(i).weight();
            Check.features(this, x, weight);
            Check.optional(this, "weight", inputs.get(at(WEIGHT, i)), DType.FLOAT32, weight.rows(), weight.columns());
            Check.optional(this, "bias", inputs.get(at(BIAS, i)), DType.FLOAT32, weight.rows());
            var a = inputs.get(at(LORA_A, i));
            var b = inputs.get(at(LORA_B, i));
            Check.that((a == null) == (b == null), this, "lora_A and lora_B come together");
            if (a != null) {
                long rank = a.shape().dim(0);
                Check.spec(this, "lora_A", a, DType.FLOAT32, rank, weight.columns());
                Check.spec(this, "lora_B", b, DType.FLOAT32, weight.rows(), rank);
            }
            outputs.add(TensorSpec.of(x.dtype(), x.shape().dim(0), weight.rows()));
        }
        return outputs;
    }

    @Override
    public void forward(Frame f) {
        var projections = IntStream.range(0, layers.size())
                .mapToObj(i -> new dev.sartor.device.kernel.LoraLinear.Projection(
                        layers.get(i).weight(), f.input(at(BIAS, i)), f.input(at(LORA_A, i)), f.input(at(LORA_B, i)), f.output(i),
                        h(f, i), layers.get(i).scaling()))
                .toList();
        f.emit(new dev.sartor.device.kernel.LoraLinear(f.input(X), projections, rng, site, dropout));
    }

    @Override
    public void backward(Frame f) {
        var dx = f.needsGradient(X) ? f.gradient(X) : new Gradient(null, false);
        var used = IntStream.range(0, layers.size())
                .filter(i -> f.outputGradient(i) != null && (dx.tensor() != null || trains(f, i) || f.needsGradient(at(BIAS, i))))
                .toArray();
        if (used.length == 0) {
            return;
        }
        boolean readsX = IntStream.of(used).anyMatch(i -> trains(f, i));
        f.emit(new LoraLinearBackward(
                readsX ? f.input(X) : null, dx.tensor(), IntStream.of(used).mapToObj(i -> projection(f, i)).toList(), rng, site,
                dropout, dx.accumulate()));
    }

    private LoraLinearBackward.Projection projection(Frame f, int i) {
        boolean adapter = adapts(f, i);
        return new LoraLinearBackward.Projection(
                f.outputGradient(i),
                adapter ? h(f, i) : null,
                layers.get(i).weight(),
                f.input(at(LORA_A, i)),
                f.input(at(LORA_B, i)),
                adapter ? f.parameterGradient(at(LORA_A, i)) : null,
                adapter ? f.parameterGradient(at(LORA_B, i)) : null,
                f.needsGradient(at(WEIGHT, i)) ? f.parameterGradient(at(WEIGHT, i)) : null,
                f.needsGradient(at(BIAS, i)) ? f.parameterGradient(at(BIAS, i)) : null,
                layers.get(i).scaling());
    }

    private static boolean adapts(Frame f, int i) {
        return f.needsGradient(at(LORA_A, i)) || f.needsGradient(at(LORA_B, i));
    }

    /** Whether a gradient is asked for that needs x. */
    private static boolean trains(Frame f, int i) {
        return adapts(f, i) || f.needsGradient(at(WEIGHT, i));
    }

    private static Tensor h(Frame f, int i) {
        var a = f.input(at(LORA_A, i));
        return a == null ? null : f.keep(i, TensorSpec.of(DType.FLOAT32, f.input(X).shape().dim(0), a.shape().dim(0)));
    }

    private static int at(int input, int layer) {
        return layer * INPUTS + input;
    }
}
