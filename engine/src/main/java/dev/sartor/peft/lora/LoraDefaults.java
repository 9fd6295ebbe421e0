package dev.sartor.peft.lora;

import dev.sartor.nn.Linear;
import dev.sartor.nn.Slots;
import dev.sartor.peft.ModuleSelector;
import java.util.List;
import java.util.Map;

/** What PEFT targets where nothing is said ({@code TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING}). */
final class LoraDefaults {
    private static final Map<String, List<String>> TARGETS = Map.of(
            "gpt2", List.of("c_attn"),
            "llama", List.of("q_proj", "v_proj"),
            "mistral", List.of("q_proj", "v_proj"),
            "mixtral", List.of("q_proj", "v_proj"),
            "qwen2", List.of("q_proj", "v_proj"),
            "qwen3", List.of("q_proj", "v_proj"));

    private LoraDefaults() {}

    /**
     * @throws IllegalArgumentException if the model type has no usual targets
     */
    static ModuleSelector targets(Slots slots) {
        var names = TARGETS.get(slots.modelType());
        if (names == null) {
            throw new IllegalArgumentException("target_modules: there is no default for model_type '" + slots.modelType()
                    + "'; write \"" + ModuleSelector.ALL_LINEAR + "\", or name some of "
                    + slots.blockLinears().stream().map(Linear::name).limit(8).toList());
        }
        return new ModuleSelector.Names(names);
    }
}
