package dev.sartor.model.qwen2;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery;
import dev.sartor.model.decoder.LayerWindows;

/** Qwen2 and Qwen2.5 (Qwen team 2024): biases on q, k and v; windows on the upper layers if asked for. */
public final class Qwen2 implements Family {
    @Override
    public String modelType() {
        return "qwen2";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        var attention = GroupedQuery.read(config, true, false, LayerWindows.read(config));
        return new Decoder(DecoderConfig.read(config, attention, FeedForwards.dense(config)), builder);
    }
}
