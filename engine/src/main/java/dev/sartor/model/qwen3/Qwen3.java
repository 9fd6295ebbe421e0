package dev.sartor.model.qwen3;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery.QkNorm;
import dev.sartor.model.decoder.GroupedQuery;
import dev.sartor.model.decoder.LayerWindows;

/** Qwen3 (Qwen team 2025): queries and keys are normalized by head, and there are no biases. */
public final class Qwen3 implements Family {
    @Override
    public String modelType() {
        return "qwen3";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        boolean bias = config.flag("attention_bias", false);
        var attention = GroupedQuery.read(config, bias, bias, LayerWindows.read(config)).with(QkNorm.HEAD);
        return new Decoder(DecoderConfig.read(config, attention, FeedForwards.dense(config)), builder);
    }
}
