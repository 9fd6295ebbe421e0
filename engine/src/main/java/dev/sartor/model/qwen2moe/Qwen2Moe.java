package dev.sartor.model.qwen2moe;

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
import dev.sartor.model.decoder.LayerWindows;

/** Qwen1.5-MoE and Qwen2-MoE (Qwen team 2024): Qwen2 with mixtures of experts, one of which all tokens share by a gate. */
public final class Qwen2Moe implements Family {
    @Override
    public String modelType() {
        return "qwen2_moe";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        boolean bias = config.flag("qkv_bias", true);
        var experts = Sparse.softmax(config, 60, 4, config.integer("moe_intermediate_size"), config.flag("norm_topk_prob", false))
                .with(new Sparse.Shared("shared_expert", config.integer("shared_expert_intermediate_size"), true));
        var feedForwards = FeedForwards.everyStep(config, experts, RouterSettings.read(config, 0.001));
        var attention = GroupedQuery.read(config, bias, false, LayerWindows.alternating(config));
        return new Decoder(DecoderConfig.read(config, attention, feedForwards), builder);
    }
}
