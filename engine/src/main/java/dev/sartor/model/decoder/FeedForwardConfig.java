package dev.sartor.model.decoder;

import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.Routing;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.ModelBuilder;
import dev.sartor.nn.FeedForward;
import dev.sartor.nn.GatedMlp;
import dev.sartor.nn.Router;
import dev.sartor.nn.SharedExpert;
import dev.sartor.nn.SparseMoe;
import java.util.Optional;

/** What the feed-forward of a decoder's layer is. */
public sealed interface FeedForwardConfig {
    /** @param name such as {@code model.layers.3.mlp} */
    FeedForward build(String name, long hidden, ModelBuilder builder);

    /** One gated network for all tokens. */
    record Dense(long intermediate, ActivationKind activation, boolean bias) implements FeedForwardConfig {
        static Dense read(ConfigReader config) {
            return new Dense(config.integer("intermediate_size"), config.activation("hidden_act", "silu"), config.flag("mlp_bias", false));
        }

        @Override
        public GatedMlp build(String name, long hidden, ModelBuilder builder) {
            return new GatedMlp(name, builder.linear(name + ".gate_proj", hidden, intermediate, bias),
                    builder.linear(name + ".up_proj", hidden, intermediate, bias),
                    builder.linear(name + ".down_proj", intermediate, hidden, bias), activation);
        }
    }

    /**
     * A mixture of experts.
     *
     * @param experts how many
     * @param intermediate features within each of them
     * @param shared what all tokens have beside them
     */
    record Sparse(int experts, long intermediate, ActivationKind activation, Routing routing, Optional<Shared> shared)
            implements FeedForwardConfig {
        /**
         * Experts chosen by softmax, without shared ones.
         *
         * @param experts where config.json has no number of them
         * @param topK where config.json has none
         */
        public static Sparse softmax(ConfigReader config, int experts, int topK, long intermediate, boolean normTopkProb) {
            int count = config.integer("num_experts", "num_local_experts", experts);
            int chosen = config.integer("num_experts_per_tok", topK);
            if (chosen > count) {
                throw config.wrong("num_experts_per_tok", chosen + " of " + count + " experts");
            }
            return new Sparse(count, intermediate, config.activation("hidden_act", "silu"), Routing.softmax(chosen, normTopkProb),
                    Optional.empty());
        }

        public Sparse with(Shared expert) {
            return new Sparse(experts, intermediate, activation, routing, Optional.of(expert));
        }

        /**
         * A shared expert.
         *
         * @param name its own within the mixture, such as {@code shared_expert}
         * @param gated whether a sigmoid gate weighs it, {@code <name>_gate}
         */
        public record Shared(String name, long intermediate, boolean gated) {}

        @Override
        public SparseMoe build(String name, long hidden, ModelBuilder builder) {
            var router = new Router(builder.router(name + ".gate", hidden, experts), routing, null);
            return new SparseMoe(name, router, builder.experts(name + ".experts", experts, hidden, intermediate, activation),
                    shared.map(each -> shared(name, each, hidden, builder)).orElse(null));
        }

        private SharedExpert shared(String name, Shared shared, long hidden, ModelBuilder builder) {
            var whole = name + "." + shared.name;
            return new SharedExpert(new Dense(shared.intermediate, activation, false).build(whole, hidden, builder),
                    shared.gated ? builder.linear(whole + "_gate", hidden, 1, false) : null);
        }
    }
}
