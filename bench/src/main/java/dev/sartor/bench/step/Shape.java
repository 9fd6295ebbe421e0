package dev.sartor.bench.step;

import dev.sartor.io.Json;
import java.util.Arrays;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/** Shapes of real models, for random weights; an index of the comparisons that bench/README.md describes. */
enum Shape {
    LLAMA_134M("llama-134m", "llama", 768, 12, 12, 12, 2048, 32000, 8192, false),
    QWEN2_494M("qwen2-494m", "qwen2", 896, 24, 14, 2, 4864, 151936, 4096, true),
    LLAMA_1B1("llama-1.1b", "llama", 2048, 22, 32, 4, 5632, 32000, 2048, false);

    private final String title;
    private final String family;
    private final int hidden;
    private final int layers;
    private final int heads;
    private final int keyValueHeads;
    private final int feedForward;
    private final int vocabulary;
    private final int positions;
    private final boolean tied;

    Shape(String title, String family, int hidden, int layers, int heads, int keyValueHeads, int feedForward,
            int vocabulary, int positions, boolean tied) {
        this.title = title;
        this.family = family;
        this.hidden = hidden;
        this.layers = layers;
        this.heads = heads;
        this.keyValueHeads = keyValueHeads;
        this.feedForward = feedForward;
        this.vocabulary = vocabulary;
        this.positions = positions;
        this.tied = tied;
    }

    /** @throws IllegalArgumentException that lists the names there are */
    static Shape named(String title) {
        return Arrays.stream(values()).filter(shape -> shape.title.equals(title)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("expected one of "
                        + Arrays.stream(values()).map(shape -> shape.title).collect(Collectors.joining(", "))
                        + " as the shape, found '" + title + "'"));
    }

    int vocabulary() {
        return vocabulary;
    }

    /** config.json as Transformers writes it. */
    ObjectNode config() {
        var config = Json.object();
        config.put("model_type", family);
        config.putArray("architectures").add(family.equals("llama") ? "LlamaForCausalLM" : "Qwen2ForCausalLM");
        config.put("hidden_size", hidden);
        config.put("intermediate_size", feedForward);
        config.put("num_hidden_layers", layers);
        config.put("num_attention_heads", heads);
        config.put("num_key_value_heads", keyValueHeads);
        config.put("vocab_size", vocabulary);
        config.put("max_position_embeddings", positions);
        config.put("rms_norm_eps", 1e-6);
        config.put("rope_theta", 10000.0);
        config.put("hidden_act", "silu");
        config.put("initializer_range", 0.02);
        config.put("tie_word_embeddings", tied);
        return config;
    }
}
