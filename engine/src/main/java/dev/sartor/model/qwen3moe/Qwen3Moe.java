package dev.sartor.model.qwen3moe;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.RouterSettings;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwardConfig.Sparse;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery.QkNorm;
import dev.sartor.model.decoder.GroupedQuery;
import dev.sartor.model.decoder.LayerWindows;

/** Qwen3-MoE (Qwen team 2025): Qwen3 with mixtures of experts. */
public final class Qwen3Moe implements Family {
    @Override
    public String modelType() {
        return "qwen3_moe";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        boolean bias = config.flag("attention_bias", false);
        var experts = Sparse.softmax(config, 128, 8, config.integer("moe_intermediate_size"), config.flag("norm_topk_prob", false));
        var feedForwards = FeedForwards.everyStep(config, experts, RouterSettings.read(config, 0.001));
        var attention = GroupedQuery.read(config, bias, bias, LayerWindows.all(config)).with(QkNorm.HEAD);
        return new Decoder(DecoderConfig.read(config, attention, feedForwards), builder);
    }
}
