package dev.sartor.peft;

import dev.sartor.device.Matrix;
import dev.sartor.io.Nearest;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Slots;
import dev.sartor.nn.Vector;
import dev.sartor.quant.DenseWeight;
import dev.sartor.quant.Weight;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.Shape;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A full copy of one of the base model's parameters, which an adapter uses in its place: PEFT's
 * {@code modules_to_save}, and its trained biases. With tied embeddings, copies of the embedding and
 * of the output head are independent of each other, as in PEFT without {@code ensure_weight_tying}.
 */
public record ModuleCopy(Module module, Part part, AdapterTensor tensor) {
    public enum Part {
        WEIGHT("weight"),
        BIAS("bias");

        private final String key;

        Part(String key) {
            this.key = key;
        }
    }

    /** Puts the copy in the place of what the module has. */
    void install(Parameter parameter) {
        switch (module) {
            case Linear linear when part == Part.WEIGHT -> linear.setWeight(weight(parameter));
            case Linear linear -> linear.setBias(parameter);
            case Embedding embedding -> embedding.setWeight(weight(parameter));
            case Norm norm when part == Part.WEIGHT -> norm.setWeight(parameter);
            case Norm norm -> norm.setBias(parameter);
            case Vector vector -> throw new IllegalStateException("no copy is made of " + vector.name());
        }
    }

    private static Weight weight(Parameter parameter) {
        return parameter.isTrained()
                ? DenseWeight.trained(parameter)
                : DenseWeight.frozen(parameter.name(), Matrix.rowMajor(parameter.value()));
    }

    /** The base model's own key for what is copied, such as {@code lm_head.weight}. */
    public String baseKey() {
        return module.name() + "." + part.key;
    }

    /** Copies of all that a module has. */
    static List<ModuleCopy> of(Module module) {
        var copies = new ArrayList<ModuleCopy>();
        switch (module) {
            case Linear linear -> copies.add(weight(linear, linear.weight(), linear.isTransposed()));
            case Embedding embedding -> copies.add(weight(embedding, embedding.weight(), false));
            case Norm norm -> copies.add(vector(norm, Part.WEIGHT, norm.weight(), false));
            case Vector vector -> { }
        }
        if (bias(module) != null) {
            copies.add(vector(module, Part.BIAS, bias(module), false));
        }
        return copies;
    }

    /**
     * Copies of the modules that {@code modules_to_save} means: whose names, or the names of what
     * holds them, end in an entry.
     *
     * @param targets layers with an adapter
     * @param strict whether every entry must mean something
     * @throws IllegalArgumentException if one is a target too or a mixture's expert, or an entry means nothing
     */
    public static List<ModuleCopy> modulesToSave(
            Slots slots, List<String> entries, Collection<Linear> targets, boolean strict) {
        for (var entry : entries) {
            if (strict && slots.modules().stream().noneMatch(module -> isMeant(module, entry))) {
                var names = slots.modules().stream().map(Module::name).map(name -> name.substring(name.lastIndexOf('.') + 1));
                throw new IllegalArgumentException("modules_to_save: the model has no module '" + entry + "'; the nearest are "
                        + Nearest.to(entry, names.toList(), 3));
            }
        }
        var copies = new ArrayList<ModuleCopy>();
        var experts = slots.expertLinears();
        for (var module : slots.modules()) {
            if (entries.stream().anyMatch(entry -> isMeant(module, entry)) && module instanceof Linear linear && experts.contains(linear)) {
                throw new IllegalArgumentException("modules_to_save: " + entries + " means " + module.name()
                        + ", a layer of an expert, which an adapter cannot hold whole; adapt experts with target_parameters ("
                        + "mlp.experts.gate_up_proj, mlp.experts.down_proj), or train every weight (peft_type: none)");
            }
            if (entries.stream().anyMatch(entry -> isMeant(module, entry))) {
                if (targets.contains(module)) {
                    throw new IllegalArgumentException("modules_to_save: " + entries + " means " + module.name()
                            + ", which target_modules means too; leave it out of one of them");
                }
                copies.addAll(of(module));
            }
        }
        return copies;
    }

    /** Copies of biases: of all modules that have one, or of the targets only. */
    public static List<ModuleCopy> biases(Slots slots, Collection<Linear> targets, boolean targetsOnly) {
        return slots.modules().stream()
                .filter(module -> bias(module) != null && (!targetsOnly || targets.contains(module)))
                .map(module -> vector(module, Part.BIAS, bias(module), targets.contains(module)))
                .toList();
    }

    /** @param wrapped whether the module has an adapter, which PEFT's keys show */
    private static ModuleCopy vector(Module module, Part part, Parameter parameter, boolean wrapped) {
        var key = AdapterTensor.PREFIX + module.name() + (wrapped ? ".base_layer." : ".") + part.key;
        return new ModuleCopy(module, part,
                new AdapterTensor(key, parameter.value().shape(), Arrangement.PLAIN, Initial.copyOf(parameter), false));
    }

    private static ModuleCopy weight(Module module, Weight weight, boolean transposed) {
        var key = AdapterTensor.PREFIX + module.name() + "." + Part.WEIGHT.key;
        return new ModuleCopy(module, Part.WEIGHT, new AdapterTensor(
                key, Shape.of(weight.rows(), weight.columns()), transposed ? new Arrangement.Transposed() : Arrangement.PLAIN,
                Initial.copyOf(weight), false));
    }

    private static Parameter bias(Module module) {
        return switch (module) {
            case Linear linear -> linear.bias();
            case Norm norm -> norm.bias();
            case Embedding embedding -> null;
            case Vector vector -> null;
        };
    }

    private static boolean isMeant(Module module, String entry) {
        var name = module.name();
        for (int end = name.length(); end > 0; end = name.lastIndexOf('.', end - 1)) {
            if (name.substring(0, end).endsWith(entry)) {
                return true;
            }
        }
        return false;
    }
}
