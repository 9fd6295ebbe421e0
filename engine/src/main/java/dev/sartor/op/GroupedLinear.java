package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.ExpertAdapters;
import dev.sartor.device.kernel.GroupedLinearBackward;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Linear layers that each expert of a mixture has, on the rows that {@link Dispatch} gave it, each with
 * optional low-rank adapters: as {@link LoraLinear}, expert by expert, in one op.
 *
 * <p>Inputs: x [tokens, in]; offsets [experts + 1]; the permutation [tokens * top_k] and its inverse
 * [tokens, top_k], both or neither: without them x is grouped already, [tokens * top_k, in]; then for each layer its
 * weights as one parameter [experts * out, in], present only if trained; bias [experts, out]; lora_A
 * [adapters * rank, in] and lora_B [adapters * out, rank], both or neither; layers may have the same lora_A. Outputs:
 * [tokens * top_k, out] of each layer, in the grouped order.
 *
 * @param adapters which adapter each expert has; null where no layer has adapters
 * @param topK assignments of a token; 1 where x is grouped already
 */
public record GroupedLinear(List<Layer> layers, ExpertAdapters adapters, int topK) implements Op {
    private static final int X = 0;
    private static final int OFFSETS = 1;
    private static final int PERMUTATION = 2;
    private static final int INVERSE = 3;
    private static final int WEIGHT = 4;
    private static final int BIAS = 5;
    private static final int LORA_A = 6;
    private static final int LORA_B = 7;
    private static final int INPUTS = 4;

    /**
     * @param weights where each expert's elements are, [out, in]
     * @param scaling of the adapters, if there are any
     */
    public record Layer(List<Matrix> weights, float scaling) {
        public Layer {
            weights = List.copyOf(weights);
            if (weights.isEmpty()) {
                throw new IllegalArgumentException("no experts: expected at least one weight");
            }
        }

        long out() {
            return weights.getFirst().rows();
        }
    }

    public GroupedLinear {
        layers = List.copyOf(layers);
        if (layers.isEmpty() || layers.size() > LoraLinear.MAX_LAYERS) {
            throw new IllegalArgumentException(layers.size() + " layers: expected 1 to " + LoraLinear.MAX_LAYERS);
        }
    }

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.get(X);
        int experts = layers.getFirst().weights().size();
        boolean gathers = inputs.get(PERMUTATION) != null;
        Check.that(gathers == (inputs.get(INVERSE) != null), this, "the permutation and its inverse come together");
        Check.that(topK >= 1 && (gathers || topK == 1), this, "top_k is %d, must be 1 where x is grouped already", topK);
        Check.that(adapters == null || adapters.ofExpert().size() == experts, this, "adapters of %d experts, there are %d",
                adapters == null ? 0 : adapters.ofExpert().size(), experts);
        Check.spec(this, "offsets", inputs.get(OFFSETS), DType.INT32, experts + 1L);
        long tokens = x.shape().dim(0);
        long rows = Math.multiplyExact(tokens, topK);
        Check.optional(this, "permutation", inputs.get(PERMUTATION), DType.INT32, rows);
        Check.optional(this, "inverse", inputs.get(INVERSE), DType.INT32, tokens, topK);
        var outputs = new ArrayList<TensorSpec>();
        for (int i = 0; i < layers.size(); i++) {
            check(x, layers.get(i), experts, i, inputs);
            outputs.add(TensorSpec.of(x.dtype(), rows, layers.get(i).out()));
        }
        return outputs;
    }

    private void check(TensorSpec x, Layer layer, int experts, int i, List<TensorSpec> inputs) {
        long in = x.shape().last();
        long out = layer.out();
        Check.that(layer.weights().size() == experts, this, "layer %d has %d experts, the first %d", i, layer.weights().size(), experts);
        for (var weight : layer.weights()) {
            Check.features(this, x, weight);
            Check.that(weight.rows() == out, this, "an expert has %d features out, the first %d", weight.rows(), out);
        }
        Check.optional(this, "weight", inputs.get(at(WEIGHT, i)), DType.FLOAT32, experts * out, in);
        Check.optional(this, "bias", inputs.get(at(BIAS, i)), DType.FLOAT32, experts, out);
        var a = inputs.get(at(LORA_A, i));
        var b = inputs.get(at(LORA_B, i));
        Check.that((a == null) == (b == null), this, "lora_A and lora_B come together");
        if (a != null) {
            Check.that(adapters != null && adapters.count() > 0, this, "lora_A of no adapter");
            long rank = b.shape().last();
            Check.spec(this, "lora_A", a, DType.FLOAT32, adapters.count() * rank, in);
            Check.spec(this, "lora_B", b, DType.FLOAT32, adapters.count() * out, rank);
        }
    }

    @Override
    public void forward(Frame f) {
        var projections = IntStream.range(0, layers.size())
                .mapToObj(i -> new dev.sartor.device.kernel.GroupedLinear.Projection(
                        layers.get(i).weights(), f.input(at(BIAS, i)), f.input(at(LORA_A, i)), f.input(at(LORA_B, i)), f.output(i),
                        h(f, i), layers.get(i).scaling()))
                .toList();
        f.emit(new dev.sartor.device.kernel.GroupedLinear(
                f.input(X), f.input(OFFSETS), f.input(PERMUTATION), topK, adapters, projections));
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
        // The kernel adds to the gradients of all layers at once: one that two of them share has a place for each.
        var gradientsOfA = new LinkedHashMap<Integer, Tensor>();
        for (int i : used) {
            if (adapts(f, i)) {
                var gradient = f.parameterGradient(at(LORA_A, i));
                boolean taken = gradientsOfA.values().stream().anyMatch(other -> other == gradient);
                gradientsOfA.put(i, taken ? zero(f, gradient.spec()) : gradient);
            }
        }
        f.emit(new GroupedLinearBackward(
                readsX ? f.input(X) : null, dx.tensor(), f.input(OFFSETS), f.input(PERMUTATION),
                dx.tensor() == null ? null : f.input(INVERSE), topK, adapters,
                IntStream.of(used).mapToObj(i -> projection(f, i, gradientsOfA.get(i))).toList(), dx.accumulate()));
        gradientsOfA.forEach((i, part) -> {
            var gradient = f.parameterGradient(at(LORA_A, i));
            if (part != gradient) {
                f.emit(new dev.sartor.device.kernel.Add(gradient, part, gradient, 1, 1));
            }
        });
    }

    private static Tensor zero(Frame f, TensorSpec spec) {
        var tensor = f.temporary(spec);
        f.emit(new Zero(tensor));
        return tensor;
    }

    /** @param dLoraA null where the adapter is not trained */
    private GroupedLinearBackward.Projection projection(Frame f, int i, Tensor dLoraA) {
        boolean adapter = adapts(f, i);
        return new GroupedLinearBackward.Projection(
                f.outputGradient(i),
                adapter ? h(f, i) : null,
                layers.get(i).weights(),
                f.input(at(LORA_A, i)),
                f.input(at(LORA_B, i)),
                dLoraA,
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
        var b = f.input(at(LORA_B, i));
        return b == null ? null : f.keep(i, TensorSpec.of(DType.FLOAT32, f.output(i).shape().dim(0), b.shape().last()));
    }

    private static int at(int input, int layer) {
        return layer * INPUTS + input;
    }
}
