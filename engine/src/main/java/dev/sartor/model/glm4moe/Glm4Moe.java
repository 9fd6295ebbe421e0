package dev.sartor.model.glm4moe;

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
import dev.sartor.model.decoder.GroupedQuery.QkNorm;

/**
 * GLM-4.5 and its kin (Zhipu AI 2025): DeepSeek-V3's mixtures of experts behind the first layers, and half of each
 * head with rotary positions. Layers that predict further tokens ({@code num_nextn_predict_layers}) are left out, as in
 * Transformers.
 */
public final class Glm4Moe implements Family {
    @Override
    public String modelType() {
        return "glm4_moe";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        boolean bias = config.flag("attention_bias", false);
        var feedForwards = FeedForwards.afterDense(config, 1, Sparse.corrected(config, 1, 1, 1), RouterSettings.read(config, 0));
        double rotated = config.object("rope_parameters").orElse(config)
                .optionalNumber("partial_rotary_factor").orElseGet(() -> config.number("partial_rotary_factor", 0.5));
        var attention = GroupedQuery.read(config, bias, false, layer -> 0, rotated)
                .with(config.flag("use_qk_norm", false) ? QkNorm.HEAD : QkNorm.NONE);
        return new Decoder(DecoderConfig.read(config, attention, feedForwards), builder);
    }
}
