package dev.sartor.model.decoder;

import dev.sartor.model.ConfigReader;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/** Which layers have a sliding window, as Qwen's configurations tell. */
public final class LayerWindows {
    private LayerWindows() {}

    /** Window by layer, 0 for none: from {@code layer_types}, or from {@code max_window_layers} on (Qwen2, Qwen3). */
    public static IntUnaryOperator read(ConfigReader config) {
        int first = config.node().path("max_window_layers").asInt(28);
        return read(config, layer -> layer >= first);
    }

    /** As {@link #read}, or every other one below {@code max_window_layers} (Qwen2-MoE). */
    public static IntUnaryOperator alternating(ConfigReader config) {
        int end = config.node().path("max_window_layers").asInt(28);
        return read(config, layer -> layer % 2 == 0 && layer < end);
    }

    /** From {@code layer_types}, or every other layer (GPT-OSS). */
    public static IntUnaryOperator everyOther(ConfigReader config) {
        return typed(config, config.integer("sliding_window", 128), layer -> layer % 2 == 0);
    }

    /** One window for all layers (Qwen3-MoE). */
    public static IntUnaryOperator all(ConfigReader config) {
        int window = config.flag("use_sliding_window", false) ? config.integer("sliding_window", 4096) : 0;
        return layer -> window;
    }

    private static IntUnaryOperator read(ConfigReader config, IntPredicate otherwise) {
        if (!config.flag("use_sliding_window", false)) {
            return layer -> 0;
        }
        return typed(config, config.integer("sliding_window", 4096), otherwise);
    }

    private static IntUnaryOperator typed(ConfigReader config, int window, IntPredicate otherwise) {
        var types = config.node().path("layer_types");
        return layer -> {
            boolean slides = types.isArray() && layer < types.size()
                    ? types.get(layer).asString().equals("sliding_attention")
                    : otherwise.test(layer);
            return slides ? window : 0;
        };
    }
}
