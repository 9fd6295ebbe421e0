package dev.sartor.model.llama;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery;

/** Llama 2 and 3 (Touvron et al. 2023; Llama team 2024), and models of their layout. */
public final class Llama implements Family {
    @Override
    public String modelType() {
        return "llama";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        boolean bias = config.flag("attention_bias", false);
        return new Decoder(
                DecoderConfig.read(config, GroupedQuery.read(config, bias, bias, layer -> 0), FeedForwards.dense(config)), builder);
    }
}
