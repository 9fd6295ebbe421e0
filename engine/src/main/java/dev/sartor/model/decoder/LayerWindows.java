package dev.sartor.model.decoder;

import dev.sartor.model.ConfigReader;
import java.util.function.IntUnaryOperator;

/** Which layers have a sliding window, as Qwen's configurations tell. */
public final class LayerWindows {
    private LayerWindows() {}

    /** Window by layer, 0 for none: from {@code layer_types}, or from {@code max_window_layers} on. */
    public static IntUnaryOperator read(ConfigReader config) {
        if (!config.flag("use_sliding_window", false)) {
            return layer -> 0;
        }
        int window = config.integer("sliding_window", 4096);
        var types = config.node().path("layer_types");
        int first = config.node().path("max_window_layers").asInt(28);
        return layer -> {
            boolean slides = types.isArray() && layer < types.size()
                    ? types.get(layer).asString().equals("sliding_attention")
                    : layer >= first;
            return slides ? window : 0;
        };
    }
}
