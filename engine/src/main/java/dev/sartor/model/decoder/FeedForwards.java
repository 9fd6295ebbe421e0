package dev.sartor.model.decoder;

import dev.sartor.model.ConfigReader;
import dev.sartor.model.RouterSettings;
import dev.sartor.model.decoder.FeedForwardConfig.Dense;
import dev.sartor.model.decoder.FeedForwardConfig.Sparse;
import java.util.HashSet;
import java.util.function.IntFunction;

/** Which layers of a decoder have which feed-forward, as families' configurations tell. */
public record FeedForwards(IntFunction<FeedForwardConfig> ofLayer, RouterSettings routers) {
    /** One network in every layer. */
    public static FeedForwards dense(ConfigReader config) {
        var dense = Dense.read(config);
        return new FeedForwards(layer -> dense, RouterSettings.NONE);
    }

    /** A mixture in every layer. */
    public static FeedForwards everywhere(Sparse sparse, RouterSettings routers) {
        return new FeedForwards(layer -> sparse, routers);
    }

    /** A mixture in every {@code decoder_sparse_step}th layer that is not one of {@code mlp_only_layers}: Qwen. */
    public static FeedForwards everyStep(ConfigReader config, Sparse sparse, RouterSettings routers) {
        int step = config.integer("decoder_sparse_step", 1);
        var denseLayers = new HashSet<>(config.integers("mlp_only_layers"));
        return new FeedForwards(layer -> (layer + 1) % step == 0 && !denseLayers.contains(layer) ? sparse : Dense.read(config), routers);
    }

    /** A mixture in all but the first {@code first_k_dense_replace} layers: DeepSeek, GLM-4. */
    public static FeedForwards afterDense(ConfigReader config, int denseByDefault, Sparse sparse, RouterSettings routers) {
        int first = config.count("first_k_dense_replace", denseByDefault);
        return new FeedForwards(layer -> layer < first ? Dense.read(config) : sparse, routers);
    }
}
