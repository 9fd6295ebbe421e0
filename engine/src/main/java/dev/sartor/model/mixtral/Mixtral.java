package dev.sartor.model.mixtral;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.RouterSettings;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwardConfig.Sparse;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery;

/** Mixtral (Jiang et al. 2024): Mistral with a mixture of experts in every layer. */
public final class Mixtral implements Family {
    @Override
    public String modelType() {
        return "mixtral";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        int window = config.integer("sliding_window", 0);
        var experts = Sparse.softmax(config, 8, 2, config.integer("intermediate_size"), true);
        var feedForwards = FeedForwards.everywhere(experts, RouterSettings.read(config, 0.001));
        return new Decoder(
                DecoderConfig.read(config, GroupedQuery.read(config, false, false, layer -> window), feedForwards), builder);
    }
}
