package dev.sartor.model.gptoss;

import dev.sartor.io.TensorSource;
import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;
import dev.sartor.model.RouterSettings;
import dev.sartor.model.WeightSource;
import dev.sartor.model.decoder.Decoder;
import dev.sartor.model.decoder.DecoderConfig;
import dev.sartor.model.decoder.FeedForwardConfig.Sparse;
import dev.sartor.model.decoder.FeedForwards;
import dev.sartor.model.decoder.GroupedQuery;
import dev.sartor.model.decoder.LayerWindows;
import java.util.List;

/** GPT-OSS (OpenAI 2025): attention sinks, windows in every other layer, biases everywhere, and experts in one tensor. */
public final class GptOss implements Family {
    private static final double LIMIT = 7;

    @Override
    public String modelType() {
        return "gpt_oss";
    }

    @Override
    public WeightSource reading(WeightSource files, ConfigReader config) {
        return new FusedExperts(files, config.integer("num_local_experts"));
    }

    @Override
    public List<TensorSource> writing(List<TensorSource> tensors) {
        return FusedTensors.fuse(tensors);
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        if (config.number("swiglu_limit", LIMIT) != LIMIT) {
            throw config.wrong("swiglu_limit", "only " + LIMIT + " is supported, found " + config.number("swiglu_limit"));
        }
        boolean bias = config.flag("attention_bias", true);
        var attention = GroupedQuery.read(config, bias, bias, LayerWindows.everyOther(config)).withSinks();
        var feedForwards = FeedForwards.everywhere(Sparse.clamped(config), RouterSettings.read(config, 0.001));
        return new Decoder(DecoderConfig.read(config, attention, feedForwards), builder);
    }
}
