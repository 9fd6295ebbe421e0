package dev.sartor.model.decoder;

import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.GroupScore;
import dev.sartor.device.kernel.RouterScoring;
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
     * @param router the name of the layer that makes the logits, within the mixture
     * @param biases whether router and experts have biases (GPT-OSS)
     * @param correctionBias whether the router has one for its choice (DeepSeek-V3)
     * @param shared what all tokens have beside them
     */
    record Sparse(
            int experts, long intermediate, ActivationKind activation, Routing routing, String router, boolean biases,
            boolean correctionBias, Optional<Shared> shared)
            implements FeedForwardConfig {
        private static final String GATE = "gate";

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
            return new Sparse(count, intermediate, config.activation("hidden_act", "silu"), Routing.softmax(chosen, normTopkProb), GATE,
                    false, false, Optional.empty());
        }

        /** Experts chosen by sigmoids with a correction bias, of the best groups, beside shared ones: DeepSeek-V3, GLM-4. */
        public static Sparse corrected(ConfigReader config, float routedScalingFactor, int nGroup, int topkGroup) {
            var plain = softmax(config, "n_routed_experts", config.integer("moe_intermediate_size"));
            var routing = new Routing(plain.routing.topK(), RouterScoring.SIGMOID, config.flag("norm_topk_prob", true),
                    (float) config.number("routed_scaling_factor", routedScalingFactor), config.integer("n_group", nGroup),
                    config.integer("topk_group", topkGroup), GroupScore.TOP2_SUM);
            return plain.with(grouped(config, routing, plain.experts)).withCorrectionBias().withSharedExperts(config);
        }

        /** Experts chosen by softmax, of the best groups where {@code topk_method} asks for it, beside shared ones: DeepSeek-V2. */
        public static Sparse limited(ConfigReader config) {
            var plain = softmax(config, "n_routed_experts", config.integer("moe_intermediate_size"));
            var method = config.text("topk_method", "greedy");
            boolean groups = switch (method) {
                case "greedy" -> false;
                case "group_limited_greedy" -> true;
                default -> throw config.wrong("topk_method", "'" + method + "' is none of greedy, group_limited_greedy");
            };
            // Transformers does not normalize, whatever norm_topk_prob says.
            var routing = new Routing(plain.routing.topK(), RouterScoring.SOFTMAX, false, (float) config.number("routed_scaling_factor", 1),
                    groups ? config.integer("n_group") : 1, groups ? config.integer("topk_group") : 1, GroupScore.MAX);
            return plain.with(grouped(config, routing, plain.experts)).withSharedExperts(config);
        }

        /** Experts chosen by softmax over the chosen logits, with biases and a clamped activation: GPT-OSS. */
        public static Sparse clamped(ConfigReader config) {
            var plain = softmax(config, "num_local_experts", config.integer("intermediate_size"));
            return new Sparse(plain.experts, plain.intermediate, ActivationKind.CLAMPED_SWISH,
                    Routing.softmax(plain.routing.topK(), true), "router", true, false, Optional.empty());
        }

        private static Sparse softmax(ConfigReader config, String count, long intermediate) {
            return new Sparse(config.integer(count), intermediate, config.activation("hidden_act", "silu"),
                    Routing.softmax(config.integer("num_experts_per_tok"), false), GATE, false, false, Optional.empty());
        }

        private static Routing grouped(ConfigReader config, Routing routing, int experts) {
            if (experts % routing.nGroup() != 0) {
                throw config.wrong("n_group", routing.nGroup() + " does not divide " + experts + " experts");
            }
            int reachable = experts / routing.nGroup() * routing.topkGroup();
            if (routing.topkGroup() > routing.nGroup() || routing.topK() > reachable) {
                throw config.wrong("topk_group", routing.topkGroup() + " of " + routing.nGroup() + " groups cannot give "
                        + routing.topK() + " of " + experts + " experts");
            }
            return routing;
        }

        private Sparse with(Routing other) {
            return new Sparse(experts, intermediate, activation, other, router, biases, correctionBias, shared);
        }

        private Sparse withCorrectionBias() {
            return new Sparse(experts, intermediate, activation, routing, router, biases, true, shared);
        }

        private Sparse withSharedExperts(ConfigReader config) {
            int count = config.count("n_shared_experts", 0);
            return count == 0 ? this : with(new Shared("shared_experts", count * intermediate, false));
        }

        public Sparse with(Shared expert) {
            return new Sparse(experts, intermediate, activation, routing, router, biases, correctionBias, Optional.of(expert));
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
            var gate = name + "." + router;
            var correction = correctionBias ? builder.buffer(gate + ".e_score_correction_bias", experts) : null;
            return new SparseMoe(name, new Router(builder.router(gate, hidden, experts, biases), routing, correction),
                    builder.experts(name + ".experts", experts, hidden, intermediate, activation, biases),
                    shared.map(each -> shared(name, each, hidden, builder)).orElse(null));
        }

        private SharedExpert shared(String name, Shared shared, long hidden, ModelBuilder builder) {
            var whole = name + "." + shared.name;
            return new SharedExpert(new Dense(shared.intermediate, activation, false).build(whole, hidden, builder),
                    shared.gated ? builder.linear(whole + "_gate", hidden, 1, false) : null);
        }
    }
}
