package dev.sartor.model.decoder;

import dev.sartor.model.ConfigReader;
import dev.sartor.model.ModelConfig;
import dev.sartor.model.RopeConfig;
import dev.sartor.model.RouterSettings;
import dev.sartor.nn.RopeScaling;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * A pre-norm decoder with rotary positions and a gated feed-forward: Llama and its kin.
 *
 * @param projectionBias whether q, k and v have biases
 * @param outputBias whether o has one
 * @param qkNorm how queries and keys are normalized
 * @param feedForwards of each layer
 * @param windows sliding window of each layer; 0 where it sees everything
 */
public record DecoderConfig(
        long vocabulary,
        long hidden,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        float normEpsilon,
        RopeScaling rope,
        long maxPositions,
        boolean tied,
        boolean projectionBias,
        boolean outputBias,
        QkNorm qkNorm,
        List<FeedForwardConfig> feedForwards,
        RouterSettings routers,
        List<Integer> windows)
        implements ModelConfig {
    /** What RMS norms of queries and keys go over. */
    public enum QkNorm {
        NONE,
        /** Each head: Qwen3. */
        HEAD,
        /** All heads together: OLMoE. */
        PROJECTION
    }

    /**
     * Reads what all such families write alike.
     *
     * @param window of each layer, by index
     */
    public static DecoderConfig read(
            ConfigReader config, boolean tiedByDefault, boolean projectionBias, boolean outputBias, QkNorm qkNorm,
            IntUnaryOperator window, FeedForwards feedForwards) {
        int heads = config.integer("num_attention_heads");
        int kvHeads = config.integer("num_key_value_heads", heads);
        int hidden = config.integer("hidden_size");
        int headDim = config.optionalInteger("head_dim").orElse(hidden / heads);
        int layers = config.integer("num_hidden_layers");
        if (heads % kvHeads != 0) {
            throw config.wrong("num_key_value_heads", kvHeads + " does not divide " + heads + " attention heads");
        }
        if (headDim % 2 != 0) {
            throw config.wrong("head_dim", headDim + " is odd; rotary positions turn pairs");
        }
        return new DecoderConfig(
                config.integer("vocab_size"), hidden, layers, heads, kvHeads, headDim, (float) config.number("rms_norm_eps", 1e-6),
                RopeConfig.read(config, headDim), config.integer("max_position_embeddings", 2048),
                config.flag("tie_word_embeddings", tiedByDefault), projectionBias, outputBias,
                qkNorm, IntStream.range(0, layers).mapToObj(feedForwards.ofLayer()).toList(), feedForwards.routers(),
                IntStream.range(0, layers).map(window).boxed().toList());
    }

    @Override
    public long cacheWidth() {
        return (long) kvHeads * headDim;
    }

    @Override
    public int window() {
        return windows.stream().distinct().count() == 1 ? windows.getFirst() : 0;
    }
}
