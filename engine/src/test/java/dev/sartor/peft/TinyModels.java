package dev.sartor.peft;

import dev.sartor.device.Device;
import dev.sartor.io.Json;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Small models with random weights, in directories. */
public final class TinyModels {
    private TinyModels() {}

    /** Tables of what Python PEFT does, and the models it did it with. */
    public static JsonNode table() throws IOException {
        try (var stream = TinyModels.class.getResourceAsStream("/peft/targets.json")) {
            return Json.parse(new String(stream.readAllBytes()), "targets.json");
        }
    }

    /** A directory with a config.json alone. */
    public static Path config(Path parent, String name) throws IOException {
        return config(parent.resolve(name), table().get("models").get(name));
    }

    private static Path config(Path directory, JsonNode config) throws IOException {
        Files.createDirectories(directory);
        Json.write(directory.resolve("config.json"), config);
        return directory;
    }

    /** A configuration with two layers, or three. */
    public static ObjectNode settings(String name) throws IOException {
        var models = table().get("models");
        try (var golden = TinyModels.class.getResourceAsStream("/goldens/" + name + "/config.json")) {
            if (golden != null && !models.has(name) && name.contains("_")) {
                return (ObjectNode) Json.parse(new String(golden.readAllBytes()), name);
            }
        }
        // Some are no models of PEFT's table; their configurations are made of another's.
        var like = switch (name) {
            case "qwen3" -> "qwen2";
            case "mistral", "mixtral", "qwen3_moe" -> "llama";
            default -> name;
        };
        var settings = ((ObjectNode) models.get(like)).deepCopy();
        switch (name) {
            case "mixtral" -> settings.put("num_local_experts", 4).put("num_experts_per_tok", 2);
            case "qwen3_moe" -> settings.put("num_experts", 4).put("num_experts_per_tok", 2).put("moe_intermediate_size", 12)
                    .put("norm_topk_prob", true);
            default -> { }
        }
        return settings.put("model_type", name).put(name.equals("gpt2") ? "n_layer" : "num_hidden_layers", 2);
    }

    /** A model with weights, its matrices large enough that a layer changes what comes after it. */
    public static Path weights(Device device, Path parent, String name, DType dtype) throws IOException {
        var settings = settings(name);
        settings.put("initializer_range", 0.3);
        var bare = config(parent.resolve(name + "-config"), settings);
        var target = parent.resolve(name + "-" + dtype);
        try (var model = LanguageModel.fresh(device, bare, DType.FLOAT32, true, null, 5)) {
            ModelWriter.write(model, target, dtype, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        }
        return target;
    }
}
