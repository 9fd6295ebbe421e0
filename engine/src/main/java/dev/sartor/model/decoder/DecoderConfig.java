package dev.sartor.model.decoder;

import dev.sartor.model.ConfigReader;
import dev.sartor.model.ModelConfig;
import dev.sartor.model.RouterSettings;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A pre-norm decoder with rotary positions and a gated feed-forward: Llama and its kin.
 *
 * @param feedForwards of each layer
 */
public record DecoderConfig(
        long vocabulary,
        long hidden,
        float normEpsilon,
        long maxPositions,
        boolean tied,
        AttentionConfig attention,
        List<FeedForwardConfig> feedForwards,
        RouterSettings routers)
        implements ModelConfig {

    /** Reads what all such families write alike. */
    public static DecoderConfig read(ConfigReader config, AttentionConfig attention, FeedForwards feedForwards) {
        var layers = IntStream.range(0, config.integer("num_hidden_layers")).mapToObj(feedForwards.ofLayer()).toList();
        return new DecoderConfig(config.integer("vocab_size"), config.integer("hidden_size"),
                (float) config.number("rms_norm_eps", 1e-6), config.integer("max_position_embeddings", 2048),
                config.flag("tie_word_embeddings", false), attention, layers, feedForwards.routers());
    }

    @Override
    public int layers() {
        return feedForwards.size();
    }

    @Override
    public long cacheWidth() {
        return attention.cacheWidth();
    }

    @Override
    public int window() {
        return attention.windows().stream().distinct().count() == 1 ? attention.windows().getFirst() : 0;
    }
}
