package dev.sartor.peft;

import dev.sartor.nn.Adapter;
import dev.sartor.nn.Linear;
import dev.sartor.tape.Parameter;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an adapter puts where in a model, worked out before any memory is taken.
 *
 * @param config {@code adapter_config.json} as it is saved, with targets and defaults resolved
 * @param label what to call the method in a model card, such as {@code lora}
 * @param sites the layers that it changes
 * @param copies the base model's parameters that it replaces
 */
public record Attachment(ObjectNode config, String label, List<Site> sites, List<ModuleCopy> copies) {
    /**
     * One layer and its adapter.
     *
     * @param make builds the adapter from the parameters by key
     */
    public record Site(Linear linear, List<AdapterTensor> tensors, Function<Map<String, Parameter>, Adapter> make) {}

    /** Every tensor, site by site, then the copies. */
    public List<AdapterTensor> tensors() {
        return Stream.concat(
                        sites.stream().flatMap(site -> site.tensors().stream()), copies.stream().map(ModuleCopy::tensor))
                .toList();
    }
}
