package dev.sartor.bench.step;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.io.Json;
import dev.sartor.peft.lora.Lora;
import dev.sartor.tensor.DType;
import dev.sartor.train.TrainingSetup;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import tools.jackson.databind.node.ObjectNode;

/** The 134M Llama shape that training steps are measured on, batch 4 x 256, LoRA rank 16. */
final class LlamaShape {
    static final int ROWS = 4;
    static final int LENGTH = 256;
    private static final int VOCABULARY = 32000;
    private static final int LORA_RANK = 16;
    private static final double LORA_ALPHA = 32;

    static final int TOKENS = ROWS * LENGTH;
    private static final long SEED = 42;

    private LlamaShape() {}

    /** The model with random weights, frozen, and a new LoRA adapter on all its linear layers. */
    static TrainingSetup open(Device device, DType dtype) throws IOException {
        var folder = Files.createTempDirectory("sartor-llama-134m");
        var config = folder.resolve("config.json");
        try {
            Json.write(config, config());
            var adapter = Lora.rank(LORA_RANK).alpha(LORA_ALPHA).allLinear().build();
            return new TrainingSetup(device,
                    new TrainingSetup.Options(folder, dtype, adapter, SEED, TrainingSetup.Start.RANDOM));
        } finally {
            Files.deleteIfExists(config);
            Files.delete(folder);
        }
    }

    /** Random tokens, all of them learned; others for another step. */
    static Batch batch(long step) {
        return TransformersBatch.full(ROWS, LENGTH, new SplittableRandom(step).ints(TOKENS, 0, VOCABULARY).toArray());
    }

    private static ObjectNode config() {
        var config = Json.object();
        config.put("model_type", "llama");
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("hidden_size", 768);
        config.put("intermediate_size", 2048);
        config.put("num_hidden_layers", 12);
        config.put("num_attention_heads", 12);
        config.put("num_key_value_heads", 12);
        config.put("vocab_size", VOCABULARY);
        config.put("max_position_embeddings", 2048);
        config.put("rms_norm_eps", 1e-6);
        config.put("rope_theta", 10000.0);
        config.put("hidden_act", "silu");
        config.put("initializer_range", 0.02);
        config.put("tie_word_embeddings", false);
        return config;
    }
}
