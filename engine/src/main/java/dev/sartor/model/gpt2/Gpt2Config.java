package dev.sartor.model.gpt2;

import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.ModelConfig;

/** GPT-2's sizes. */
public record Gpt2Config(
        long vocabulary,
        long hidden,
        long intermediate,
        int layers,
        int heads,
        float normEpsilon,
        ActivationKind activation,
        long maxPositions,
        boolean tied,
        boolean scaleScores,
        boolean scaleByLayer)
        implements ModelConfig {

    static Gpt2Config read(ConfigReader config) {
        int hidden = config.integer("n_embd");
        int heads = config.integer("n_head");
        if (hidden % heads != 0) {
            throw config.wrong("n_head", heads + " does not divide n_embd " + hidden);
        }
        config.expect("add_cross_attention", false);
        return new Gpt2Config(
                config.integer("vocab_size"), hidden, config.optionalInteger("n_inner").orElse(4 * hidden),
                config.integer("n_layer"), heads, (float) config.number("layer_norm_epsilon", 1e-5),
                config.activation("activation_function", "gelu_new"),
                config.optionalInteger("n_positions").orElseGet(() -> config.integer("n_ctx", 1024)),
                config.flag("tie_word_embeddings", true), config.flag("scale_attn_weights", true),
                config.flag("scale_attn_by_inverse_layer_idx", false));
    }

    int headDim() {
        return (int) (hidden / heads);
    }

    /** Factor on the attention scores of a layer. */
    float scale(int layer) {
        double scale = scaleScores ? 1 / Math.sqrt(headDim()) : 1;
        return (float) (scaleByLayer ? scale / (layer + 1) : scale);
    }

    @Override
    public long cacheWidth() {
        return hidden;
    }
}
