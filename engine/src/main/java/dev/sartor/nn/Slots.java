package dev.sartor.nn;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A model as fine-tuning methods see it: its named modules.
 *
 * @param baseModel the model's name or path, as adapters record it
 * @param modelType {@code model_type} of config.json
 * @param modules every named module in the order of computation, the output head among them even if tied
 * @param blockLinears linear layers within the blocks, but for routers and experts: what {@code all-linear} means
 * @param experts of the layers that are mixtures; each expert's linear layers are among the modules, too
 */
public record Slots(
        String baseModel, String modelType, List<Module> modules, List<Linear> blockLinears, List<Experts> experts,
        Embedding embedding, Linear head) {
    public Slots {
        var all = new ArrayList<>(modules);
        if (!all.contains(head)) {
            all.add(head);
        }
        modules = List.copyOf(all);
        blockLinears = List.copyOf(blockLinears);
        experts = List.copyOf(experts);
    }

    /** Whether the output head multiplies with the embedding's own table. */
    public boolean isTied() {
        return head.weight() == embedding.weight();
    }

    /** Linear layers of single experts. */
    public Set<Linear> expertLinears() {
        return experts.stream()
                .flatMap(each -> each.layers().stream())
                .flatMap(layer -> layer.linears().stream())
                .collect(Collectors.toSet());
    }

    /** The linear layers that make routers' logits. */
    public List<Linear> routers() {
        var others = new HashSet<>(expertLinears());
        others.addAll(blockLinears);
        others.add(head);
        return modules.stream()
                .filter(module -> module instanceof Linear linear && !others.contains(linear))
                .map(Linear.class::cast)
                .toList();
    }

    public Optional<Module> find(String name) {
        return modules.stream().filter(module -> module.name().equals(name)).findFirst();
    }

    /** Names of what holds the modules, such as {@code model.layers.0.mlp} and {@code model}. */
    public Set<String> containers() {
        var containers = new LinkedHashSet<String>();
        for (var module : modules) {
            for (int dot = module.name().lastIndexOf('.'); dot > 0; dot = module.name().lastIndexOf('.', dot - 1)) {
                containers.add(module.name().substring(0, dot));
            }
        }
        return containers;
    }
}
