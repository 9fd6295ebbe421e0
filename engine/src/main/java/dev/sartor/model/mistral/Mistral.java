package dev.sartor.model.mistral;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery;

/** Mistral (Jiang et al. 2023): Llama with a sliding window. */
public final class Mistral implements Family {
    @Override
    public String modelType() {
        return "mistral";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        int window = config.integer("sliding_window", 0);
        return new Decoder(
                DecoderConfig.read(config, GroupedQuery.read(config, false, false, layer -> window), FeedForwards.dense(config)), builder);
    }
}
