package dev.sartor.model;

import dev.sartor.nn.RopeScaling;

/**
 * Reads rotary settings: {@code rope_parameters} of Transformers 5, or {@code rope_theta} and {@code
 * rope_scaling} of earlier files.
 */
public final class RopeConfig {
    private RopeConfig() {}

    /** @param rotaryDim elements of a head that are rotated */
    public static RopeScaling read(ConfigReader config, int rotaryDim) {
        var rope = config.object("rope_parameters").or(() -> config.object("rope_scaling")).orElse(config);
        double base = rope.optionalNumber("rope_theta").orElseGet(() -> config.number("rope_theta", 10000));
        var plain = RopeScaling.standard(rotaryDim, base);
        String type = rope.text("rope_type", rope.text("type", "default"));
        double trained = rope.number("original_max_position_embeddings",
                config.number("original_max_position_embeddings", config.number("max_position_embeddings", 2048)));
        return switch (type) {
            case "default" -> plain;
            case "linear" -> plain.linear(rope.number("factor"));
            case "llama3" -> plain.llama3(rope.number("factor"), rope.number("low_freq_factor"),
                    rope.number("high_freq_factor"), trained);
            case "yarn" -> yarn(config, rope, plain, rotaryDim, base, trained);
            default -> throw rope.wrong("rope_type",
                    "'" + type + "' is none of default, linear, llama3, yarn");
        };
    }

    private static RopeScaling yarn(
            ConfigReader config, ConfigReader rope, RopeScaling plain, int rotaryDim, double base, double trained) {
        double factor = rope.optionalNumber("factor").orElseGet(() -> config.number("max_position_embeddings") / trained);
        double mscale = rope.number("mscale", 0);
        double mscaleAll = rope.number("mscale_all_dim", 0);
        double computed = mscale != 0 && mscaleAll != 0
                ? attentionScale(factor, mscale) / attentionScale(factor, mscaleAll)
                : attentionScale(factor, 1);
        return plain.yarn(rotaryDim, base, factor, rope.number("beta_fast", 32), rope.number("beta_slow", 1), trained,
                rope.number("attention_factor", computed), rope.flag("truncate", true));
    }

    /** Peng et al. 2023, equation 22, with DeepSeek's coefficient. */
    private static double attentionScale(double factor, double mscale) {
        return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
    }
}
