package dev.sartor.peft;

import dev.sartor.nn.Adapter;
import dev.sartor.nn.Experts;
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
 * @param sites the places that it changes
 * @param copies the base model's parameters that it replaces
 * @param warnings what the configuration does that few would want, with the remedy
 */
public record Attachment(ObjectNode config, String label, List<Site> sites, List<ModuleCopy> copies, List<String> warnings) {
    /**
     * Tensors, and what is made of them.
     *
     * @param make builds what goes into the model from the parameters by key
     */
    public record Site(List<AdapterTensor> tensors, Function<Map<String, Parameter>, List<Placement>> make) {}

    /** Something put into a model. */
    public sealed interface Placement {
        /** What is recorded from now on goes through it. */
        void install();

        /** The adapter of each linear layer, by which it can be merged. */
        Map<Linear, Adapter> layers();
    }

    /** An adapter of a linear layer. */
    public record OnLinear(Linear linear, Adapter adapter) implements Placement {
        @Override
        public void install() {
            linear.setAdapter(adapter);
        }

        @Override
        public Map<Linear, Adapter> layers() {
            return Map.of(linear, adapter);
        }
    }

    /**
     * Adapters of experts' layers.
     *
     * @param layers each expert's share
     */
    public record OnExperts(Experts.Layer layer, Experts.Lora lora, Map<Linear, Adapter> layers) implements Placement {
        @Override
        public void install() {
            layer.setLora(lora);
        }
    }

    /** Every tensor, site by site, then the copies. */
    public List<AdapterTensor> tensors() {
        return Stream.concat(
                        sites.stream().flatMap(site -> site.tensors().stream()), copies.stream().map(ModuleCopy::tensor))
                .toList();
    }
}
