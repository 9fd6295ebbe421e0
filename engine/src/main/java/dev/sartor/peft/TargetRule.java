package dev.sartor.peft;

import dev.sartor.io.Nearest;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Slots;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which linear layers an adapter takes, by PEFT's rules ({@code check_target_module_exists} in its
 * {@code tuners_utils.py}): exclusions first, then modules to save, then the targets, which the
 * layers' numbers may narrow where a list does not name a module in full.
 *
 * @param targets not {@link ModuleSelector.Unset}
 * @param layersToTransform numbers of layers; empty for all
 * @param layersPattern names before a layer's number, such as {@code layers}; empty for any
 */
public record TargetRule(
        ModuleSelector targets, ModuleSelector exclude, List<String> modulesToSave, List<Integer> layersToTransform,
        List<String> layersPattern) {
    private static final Pattern ANY_LAYER = Pattern.compile(".*?\\.[^.]*\\.(?<idx>\\d+)\\.");

    enum Match { TARGET, EXCLUDED, NONE }

    /** How the rule takes a module's name. */
    Predicate<String> targeted() {
        var matcher = matcher();
        return key -> matcher.match(key) == Match.TARGET;
    }

    interface NameMatcher {
        Match match(String key);
    }

    NameMatcher matcher() {
        var excluded = exclude.matcher("exclude_modules");
        var saved = modulesToSave.stream()
                .map(name -> PythonRegex.compile("(^|.*\\.)" + name + "($|\\..*)", "modules_to_save"))
                .toList();
        var selected = targets.matcher("target_modules");
        var layers = layersPattern.isEmpty()
                ? List.of(ANY_LAYER)
                : layersPattern.stream()
                        .map(name -> PythonRegex.compile("(?:^|.*?\\.)" + name + "\\.(?<idx>\\d+)\\.", "layers_pattern"))
                        .toList();
        return key -> {
            if (excluded.test(key) || saved.stream().anyMatch(pattern -> pattern.matcher(key).lookingAt())) {
                return Match.EXCLUDED;
            }
            if (!selected.test(key)) {
                return Match.NONE;
            }
            boolean narrowed = targets instanceof ModuleSelector.Names(var names) && !names.contains(key)
                    && !layersToTransform.isEmpty();
            return !narrowed || inLayers(key, layers) ? Match.TARGET : Match.NONE;
        };
    }

    private boolean inLayers(String key, List<Pattern> patterns) {
        return patterns.stream()
                .map(pattern -> pattern.matcher(key))
                .filter(Matcher::lookingAt)
                .findFirst()
                .map(match -> layersToTransform.contains(Integer.parseInt(match.group("idx"))))
                .orElse(false);
    }

    /**
     * The layers that the rule takes, in the order of computation. Layers of single experts are among them where
     * they are meant ({@link ModuleSelector#meansExpert}).
     *
     * @param strict whether every name in a list of targets must be one that the model has
     * @throws IllegalArgumentException if it takes none, or something that is no linear layer of a
     *     block; the message says what to write instead
     */
    public List<Linear> select(Slots slots, boolean strict) {
        if (targets instanceof ModuleSelector.AllLinear) {
            var names = slots.blockLinears().stream().map(Linear::name).toList();
            return new TargetRule(new ModuleSelector.Names(names), exclude, modulesToSave, List.of(), List.of())
                    .select(slots, false);
        }
        if (strict && targets instanceof ModuleSelector.Names(var names)) {
            names.forEach(name -> checkKnown(name, slots));
        }
        var matcher = matcher();
        slots.containers().stream().filter(name -> matcher.match(name) == Match.TARGET).findFirst().ifPresent(name -> {
            throw new IllegalArgumentException("target_modules: " + targets.describe() + " matches " + name
                    + ", which holds layers and is none; " + known(slots));
        });
        var selected = new ArrayList<Linear>();
        var ofExperts = slots.expertLinears();
        boolean excluded = false;
        for (var module : slots.modules()) {
            switch (matcher.match(module.name())) {
                case TARGET -> {
                    if (!(module instanceof Linear expert && ofExperts.contains(expert)) || targets.meansExpert(module.name())) {
                        selected.add(linear(module, slots));
                    }
                }
                case EXCLUDED -> excluded = true;
                case NONE -> { }
            }
        }
        if (selected.isEmpty()) {
            throw nothing(slots, excluded);
        }
        return List.copyOf(selected);
    }

    private Linear linear(Module module, Slots slots) {
        if (module == slots.head()) {
            throw new IllegalArgumentException("target_modules: " + targets.describe() + " matches the output head "
                    + module.name() + ", which takes no adapter here; write modules_to_save: [" + last(module.name())
                    + "] to train it whole");
        }
        if (module instanceof Linear linear) {
            return linear;
        }
        throw new IllegalArgumentException("target_modules: " + targets.describe() + " matches " + module.name()
                + ", which is no linear layer; write modules_to_save: [" + last(module.name()) + "] to train it whole");
    }

    private static void checkKnown(String name, Slots slots) {
        boolean known = slots.modules().stream().anyMatch(module -> ModuleSelector.named(module.name(), name))
                || slots.containers().stream().anyMatch(container -> ModuleSelector.named(container, name));
        if (!known) {
            var nearest = Nearest.to(name, shortNames(slots), 3);
            throw new IllegalArgumentException("target_modules: the model has no module '" + name + "'; the nearest are "
                    + nearest + ", and \"" + ModuleSelector.ALL_LINEAR + "\" takes all of " + shortNames(slots));
        }
    }

    private IllegalArgumentException nothing(Slots slots, boolean excluded) {
        var text = new StringBuilder("target_modules: ").append(targets.describe()).append(" matches no layer");
        if (excluded) {
            text.append(" that exclude_modules ").append(exclude.describe()).append(" and modules_to_save ")
                    .append(modulesToSave).append(" leave");
        }
        if (!layersToTransform.isEmpty()) {
            text.append(" among layers_to_transform ").append(layersToTransform);
            if (!layersPattern.isEmpty()) {
                text.append(" with layers_pattern ").append(layersPattern);
            }
        }
        if (targets instanceof ModuleSelector.Regex(var pattern)) {
            text.append("; an expression must match whole names such as ").append(slots.blockLinears().getFirst().name());
            if (shortNames(slots).contains(pattern)) {
                text.append(": write [").append(pattern).append("], a list, to mean the ends of names");
            }
        }
        text.append("; ").append(known(slots));
        if (!slots.experts().isEmpty()) {
            text.append("; experts are adapted with target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj], or by name"
                    + " and number, as in [").append(slots.experts().getFirst().gate().linears().getFirst().name()).append("]");
        }
        return new IllegalArgumentException(text.toString());
    }

    private static String known(Slots slots) {
        return "its linear layers are called " + shortNames(slots);
    }

    private static List<String> shortNames(Slots slots) {
        return slots.blockLinears().stream().map(linear -> last(linear.name())).distinct().toList();
    }

    private static String last(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /**
     * The shortest list that says the same: last parts of names where they mean these layers and no
     * others, else the names in full.
     */
    public static ModuleSelector.Names condense(List<Linear> layers, Slots slots) {
        var ends = layers.stream().map(layer -> last(layer.name())).distinct().sorted().toList();
        var shortest = new ModuleSelector.Names(ends);
        var meant = shortest.matcher("target_modules");
        var chosen = Set.<Module>copyOf(layers);
        boolean exact = slots.modules().stream().filter(module -> meant.test(module.name())).allMatch(chosen::contains);
        return exact ? shortest : new ModuleSelector.Names(layers.stream().map(Linear::name).toList());
    }
}
