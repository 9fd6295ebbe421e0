package dev.sartor.nn;

import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.ExpertAdapters;
import dev.sartor.op.Activation;
import dev.sartor.op.Dispatch;
import dev.sartor.op.GroupedLinear;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The experts of a mixture: gated networks of one shape, each computed for the tokens that the router sent
 * to it. Each expert's layers are {@link Linear}s with names of their own, as checkpoints have them; what is trained of
 * them lies in one tensor a layer, of which they are parts.
 */
public final class Experts {
    /**
     * Low-rank adapters of a layer.
     *
     * @param experts which adapter each expert has
     * @param a [adapters * rank, in]
     * @param b [adapters * out, rank]
     */
    public record Lora(ExpertAdapters experts, Parameter a, Parameter b, float scaling) {}

    /** One layer of all experts: their gates, or what these let through, or their way down. */
    public static final class Layer {
        private final List<Linear> linears;
        private final Parameter weight;
        private final Vector bias;
        private Lora lora;

        /**
         * @param linears one an expert, [out, in] each
         * @param weight [experts * out, in], of which the linears' weights are parts; null where they are frozen
         * @param bias [experts, out], or null
         */
        public Layer(List<Linear> linears, Parameter weight, Vector bias) {
            this.linears = List.copyOf(linears);
            this.weight = weight;
            this.bias = bias;
        }

        /** Each expert's part. */
        public List<Linear> linears() {
            return linears;
        }

        /** [experts, out], or null. */
        public Vector bias() {
            return bias;
        }

        /** The adapters in use, or null. */
        public Lora lora() {
            return lora;
        }

        public void setLora(Lora lora) {
            this.lora = lora;
        }

        private GroupedLinear.Layer shape() {
            for (var linear : linears) {
                if (linear.adapter() != null || weight == null && linear.weight().parameter() != null) {
                    throw new IllegalStateException(linear.name() + ": one expert's layer is adapted and trained as part of all experts'");
                }
            }
            return new GroupedLinear.Layer(linears.stream().map(linear -> linear.weight().matrix()).toList(),
                    lora == null ? 0 : lora.scaling);
        }

        private Stream<Var> inputs(Tape tape) {
            var adapted = lora != null;
            return Stream.of(weight, bias == null ? null : bias.parameter(), adapted ? lora.a : null, adapted ? lora.b : null).map(tape::parameter);
        }
    }

    private final String name;
    private final Layer gate;
    private final Layer up;
    private final Layer down;
    private final ActivationKind activation;

    /** @param name such as {@code model.layers.3.mlp.experts} */
    public Experts(String name, Layer gate, Layer up, Layer down, ActivationKind activation) {
        this.name = name;
        this.gate = gate;
        this.up = up;
        this.down = down;
        this.activation = activation;
    }

    public String name() {
        return name;
    }

    public Layer gate() {
        return gate;
    }

    public Layer up() {
        return up;
    }

    public Layer down() {
        return down;
    }

    /** Gate, up and down. */
    public List<Layer> layers() {
        return List.of(gate, up, down);
    }

    public int count() {
        return gate.linears.size();
    }

    /** Each expert's layers, expert by expert, and before them the biases of all. */
    List<Module> modules() {
        var modules = new ArrayList<Module>();
        Stream.of(gate, up, down).map(Layer::bias).filter(Objects::nonNull).forEach(modules::add);
        for (int expert = 0; expert < count(); expert++) {
            Collections.addAll(modules, gate.linears.get(expert), up.linears.get(expert), down.linears.get(expert));
        }
        return modules;
    }

    /**
     * @param x [rows, hidden]
     * @param dispatched {@link Dispatch}'s outputs
     * @return [rows * topK, hidden] in the grouped order
     */
    Var forward(Tape tape, Var x, List<Var> dispatched, int topK) {
        var offsets = dispatched.get(Dispatch.OFFSETS);
        return tape.in(name, () -> {
            var wide = apply(tape, topK, List.of(gate, up), x, offsets, dispatched.get(Dispatch.PERMUTATION),
                    dispatched.get(Dispatch.INVERSE));
            var activated = tape.apply(new Activation(activation), wide.get(0), wide.get(1));
            return apply(tape, 1, List.of(down), activated, offsets, null, null).getFirst();
        });
    }

    /** As one op, unless adapters are for different experts. */
    private static List<Var> apply(Tape tape, int topK, List<Layer> layers, Var... rows) {
        var adapters = layers.stream().map(Layer::lora).filter(Objects::nonNull).map(Lora::experts).distinct().toList();
        if (adapters.size() > 1) {
            return layers.stream().flatMap(layer -> apply(tape, topK, List.of(layer), rows).stream()).toList();
        }
        var op = new GroupedLinear(layers.stream().map(Layer::shape).toList(), adapters.isEmpty() ? null : adapters.getFirst(), topK);
        return tape.applyAll(op, Stream.concat(Stream.of(rows), layers.stream().flatMap(layer -> layer.inputs(tape)))
                .toArray(Var[]::new));
    }
}
