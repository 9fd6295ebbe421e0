package dev.sartor.peft.lora;

import dev.sartor.io.Nearest;
import dev.sartor.nn.Experts;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Slots;
import dev.sartor.peft.ModuleSelector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What PEFT's {@code target_parameters} mean ({@code _inject_parameters} in its {@code tuners_utils.py}): parameters
 * whose whole names are an entry, or end in a dot and one. Neither exclusions nor numbers of layers narrow them.
 *
 * @param fused which fused weights of which experts
 * @param linears layers whose weight is meant, routers' among them
 */
record TargetParameters(Map<Experts, Set<Fused>> fused, List<Linear> linears) {
    /** Suffix of a linear layer's weight. */
    static final String WEIGHT = ".weight";

    /** Weights of all experts that Transformers holds as one tensor. */
    enum Fused {
        GATE_UP("gate_up_proj"),
        DOWN("down_proj");

        private final String parameter;

        Fused(String parameter) {
            this.parameter = parameter;
        }

        String name(Experts experts) {
            return experts.name() + "." + parameter;
        }

        /** The layers whose rows it has, in their order. */
        List<Experts.Layer> layers(Experts experts) {
            return this == DOWN ? List.of(experts.down()) : List.of(experts.gate(), experts.up());
        }
    }

    /**
     * @param targets layers that target_modules takes
     * @param strict whether every entry must mean something
     * @throws IllegalArgumentException if an entry means nothing, something that cannot be adapted so, or a target too
     */
    static TargetParameters of(List<String> entries, Slots slots, Collection<Linear> targets, boolean strict) {
        var fused = new LinkedHashMap<Experts, Set<Fused>>();
        var linears = new ArrayList<Linear>();
        var names = new LinkedHashSet<String>();
        var meant = new LinkedHashSet<String>();
        for (var experts : slots.experts()) {
            for (var each : Fused.values()) {
                if (isMeant(each.name(experts), entries, names, meant)) {
                    if (each.layers(experts).stream().flatMap(layer -> layer.linears().stream()).anyMatch(targets::contains)) {
                        throw twice(each.name(experts));
                    }
                    fused.computeIfAbsent(experts, key -> new LinkedHashSet<>()).add(each);
                }
            }
        }
        var ofExperts = slots.expertLinears();
        for (var module : slots.modules()) {
            if (!(module instanceof Linear linear && ofExperts.contains(linear))
                    && isMeant(module.name() + WEIGHT, entries, names, meant)) {
                linears.add(linear(module, slots, targets));
            }
        }
        var unknown = entries.stream().filter(entry -> !meant.contains(entry)).toList();
        if (!unknown.isEmpty() && (strict || meant.isEmpty())) {
            throw new IllegalArgumentException("target_parameters: the model has no parameter '" + unknown.getFirst()
                    + "' that can be adapted; the nearest are " + Nearest.to(unknown.getFirst(), List.copyOf(names), 3));
        }
        return new TargetParameters(fused, linears);
    }

    private static boolean isMeant(String name, List<String> entries, Set<String> names, Set<String> meant) {
        var short3 = name.substring(name.lastIndexOf('.', name.lastIndexOf('.', name.lastIndexOf('.') - 1) - 1) + 1);
        names.add(short3);
        var matching = entries.stream().filter(entry -> ModuleSelector.named(name, entry)).toList();
        meant.addAll(matching);
        return !matching.isEmpty();
    }

    private static Linear linear(Module module, Slots slots, Collection<Linear> targets) {
        if (!(module instanceof Linear linear) || linear == slots.head() || linear.isTransposed()) {
            throw new IllegalArgumentException("target_parameters: " + module.name() + WEIGHT + " takes no adapter here; "
                    + (module instanceof Linear linear && linear != slots.head()
                            ? "name the layer in target_modules" : "train it whole with modules_to_save"));
        }
        if (targets.contains(linear)) {
            throw twice(module.name() + WEIGHT);
        }
        return linear;
    }

    private static IllegalArgumentException twice(String name) {
        return new IllegalArgumentException("target_parameters: " + name + " has a layer that target_modules means too;"
                + " leave it out of one of them");
    }
}
