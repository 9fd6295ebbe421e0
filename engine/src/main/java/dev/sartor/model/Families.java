package dev.sartor.model;

import dev.sartor.model.glm4moe.Glm4Moe;
import dev.sartor.model.gpt2.Gpt2;
import dev.sartor.model.gptoss.GptOss;
import dev.sartor.model.llama.Llama;
import dev.sartor.model.mistral.Mistral;
import dev.sartor.model.mixtral.Mixtral;
import dev.sartor.model.olmoe.Olmoe;
import dev.sartor.model.qwen2.Qwen2;
import dev.sartor.model.qwen2moe.Qwen2Moe;
import dev.sartor.model.qwen3.Qwen3;
import dev.sartor.model.qwen3moe.Qwen3Moe;
import java.util.List;

/** The families that are built. */
public final class Families {
    private static final List<Family> ALL = List.of(
            new Llama(), new Mistral(), new Mixtral(), new Qwen2(), new Qwen2Moe(), new Qwen3(), new Qwen3Moe(), new Olmoe(),
            new Glm4Moe(), new GptOss(), new Gpt2());

    private Families() {}

    /** Each family's {@code model_type}. */
    public static List<String> types() {
        return ALL.stream().map(Family::modelType).toList();
    }

    /**
     * @throws IllegalArgumentException if no family has that type, naming those there are
     */
    public static Family of(String modelType, String where) {
        return ALL.stream()
                .filter(family -> family.modelType().equals(modelType))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(where + ": model_type '" + modelType + "' is none of "
                        + types()));
    }
}
