package dev.sartor.peft.lora;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Fills in a {@link LoraConfig} under PEFT's names. */
public final class Lora {
    private final ObjectNode json = Json.object();

    private Lora(int r) {
        json.put("peft_type", LoraMethod.TYPE).put("r", r).put("lora_alpha", r);
    }

    /** A configuration of this rank; alpha is the same unless said otherwise. */
    public static Lora rank(int r) {
        return new Lora(r);
    }

    public Lora alpha(double alpha) {
        json.put("lora_alpha", alpha);
        return this;
    }

    public Lora dropout(double probability) {
        json.put("lora_dropout", probability);
        return this;
    }

    /** Every linear layer within the blocks. */
    public Lora allLinear() {
        json.put("target_modules", "all-linear");
        return this;
    }

    /** Modules by their names or the ends of these. */
    public Lora targets(List<String> names) {
        var array = json.putArray("target_modules");
        names.forEach(array::add);
        return this;
    }

    public Lora rslora() {
        json.put("use_rslora", true);
        return this;
    }

    public Lora dora() {
        json.put("use_dora", true);
        return this;
    }

    /** Modules to be trained whole. */
    public Lora modulesToSave(List<String> names) {
        var array = json.putArray("modules_to_save");
        names.forEach(array::add);
        return this;
    }

    /** Any other field, by PEFT's name. */
    public Lora set(String field, JsonNode value) {
        json.set(field, value);
        return this;
    }

    /**
     * @throws IllegalArgumentException if a value is not what it must be
     */
    public LoraConfig build() {
        try {
            return LoraConfig.read(json, "LoRA configuration");
        } catch (FormatException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }
}
