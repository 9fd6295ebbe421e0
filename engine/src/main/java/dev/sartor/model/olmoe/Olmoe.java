package dev.sartor.model.olmoe;

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

/** OLMoE (Muennighoff et al. 2024): queries and keys are normalized over all heads, and a mixture of experts is in every layer. */
public final class Olmoe implements Family {
    @Override
    public String modelType() {
        return "olmoe";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        if (config.optionalNumber("clip_qkv").isPresent()) {
            throw config.wrong("clip_qkv", "clipping of queries, keys and values is not supported; expected null");
        }
        boolean bias = config.flag("attention_bias", false);
        var experts = Sparse.softmax(config, 64, 8, config.integer("intermediate_size"), config.flag("norm_topk_prob", false));
        var feedForwards = FeedForwards.everywhere(experts, RouterSettings.read(config, 0.01));
        var attention = GroupedQuery.read(config, bias, bias, layer -> 0).with(QkNorm.PROJECTION);
        return new Decoder(DecoderConfig.read(config, attention, feedForwards), builder);
    }
}
