package dev.sartor.upcycle;

import dev.sartor.io.ModelDirectory;
import dev.sartor.model.ConfigReader;
import dev.sartor.quant.QuantizationConfig;
import java.io.IOException;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * The config.json of a mixture of experts that has all else of a dense model: of Llama and Mistral in Mixtral's
 * layout, of Qwen3 in Qwen3-MoE's. Settings that the one type takes for granted otherwise than the other are written out.
 *
 * @param modelType of the mixture
 * @param tree its config.json
 * @param hidden features of a token
 * @param intermediate features within an expert
 */
record MixtureConfig(String modelType, ObjectNode tree, int layers, long hidden, long intermediate) {
    /** What Transformers takes for Mistral's window where config.json does not say one. */
    private static final int MISTRAL_WINDOW = 4096;

    /**
     * @param dense the dense model
     * @param topK experts a token
     * @param auxLossCoef of the load-balancing loss in training
     * @throws IllegalArgumentException if the numbers make no mixture, or the mixture's type cannot express the model
     */
    static MixtureConfig of(ModelDirectory dense, int experts, int topK, double auxLossCoef) throws IOException {
        if (experts < 2 || topK < 1 || topK > experts) {
            throw new IllegalArgumentException(experts + " experts, of which " + topK
                    + " a token: expected 2 experts or more, and 1 to all of them a token");
        }
        var tree = dense.config();
        var where = dense.path().resolve("config.json").toString();
        var config = new ConfigReader(tree, where);
        if (QuantizationConfig.read(tree, where).isPresent()) {
            throw new IllegalArgumentException(where + ": the model is quantized; upcycle the model that it was made from");
        }
        var type = dense.modelType();
        var target = switch (type) {
            case "llama", "mistral" -> mixtral(config, tree, type, experts);
            case "qwen3" -> qwen3(config, tree, experts);
            case "qwen2" -> throw config.wrong("model_type", "Qwen2's biases of queries, keys and values have no place in Mixtral, and"
                    + " Qwen2-MoE demands a shared expert beside the others; expected llama, mistral or qwen3");
            default -> throw config.wrong("model_type", "'" + type + "' is none of llama, mistral, qwen3");
        };
        int heads = config.integer("num_attention_heads");
        int hidden = config.integer("hidden_size");
        tree.put("num_key_value_heads", config.integer("num_key_value_heads", heads));
        tree.put("head_dim", config.optionalInteger("head_dim").orElse(hidden / heads));
        tree.put("max_position_embeddings", config.integer("max_position_embeddings", 2048));
        tree.put("rms_norm_eps", config.number("rms_norm_eps", 1e-6));
        tree.put("tie_word_embeddings", config.flag("tie_word_embeddings", false));
        tree.put("hidden_act", config.text("hidden_act", "silu"));
        writeTheta(config, tree);
        tree.put("num_experts_per_tok", topK);
        tree.put("output_router_logits", true);
        tree.put("router_aux_loss_coef", auxLossCoef);
        return new MixtureConfig(target, tree, config.integer("num_hidden_layers"), hidden, config.integer("intermediate_size"));
    }

    private static String mixtral(ConfigReader config, ObjectNode tree, String type, int experts) {
        for (var bias : List.of("attention_bias", "mlp_bias")) {
            if (config.flag(bias, false)) {
                throw config.wrong(bias, "true, but Mixtral's layers have no biases; such a model cannot be upcycled");
            }
            tree.remove(bias);
        }
        if (type.equals("mistral") && !tree.has("sliding_window")) {
            tree.put("sliding_window", MISTRAL_WINDOW);
        }
        tree.remove("pretraining_tp");
        named(tree, "mixtral", "MixtralForCausalLM");
        tree.put("num_local_experts", experts);
        tree.put("router_jitter_noise", 0.0);
        return "mixtral";
    }

    private static String qwen3(ConfigReader config, ObjectNode tree, int experts) {
        if (config.flag("use_sliding_window", false)) {
            throw config.wrong("use_sliding_window", "true, with windows by layer, which Qwen3-MoE does not have;"
                    + " such a model cannot be upcycled");
        }
        tree.remove(List.of("layer_types", "max_window_layers"));
        named(tree, "qwen3_moe", "Qwen3MoeForCausalLM");
        tree.put("num_experts", experts);
        tree.put("moe_intermediate_size", config.integer("intermediate_size"));
        tree.put("norm_topk_prob", true);
        tree.put("decoder_sparse_step", 1);
        tree.putArray("mlp_only_layers");
        return "qwen3_moe";
    }

    private static void named(ObjectNode tree, String type, String architecture) {
        tree.put("model_type", type);
        tree.putArray("architectures").add(architecture);
    }

    /** Mixtral's base is another where config.json has none. */
    private static void writeTheta(ConfigReader config, ObjectNode tree) {
        if (tree.path("rope_parameters") instanceof ObjectNode rope) {
            if (!rope.has("rope_theta")) {
                rope.put("rope_theta", config.number("rope_theta", 10000));
            }
        } else {
            tree.put("rope_theta", config.number("rope_theta", 10000));
        }
    }
}
