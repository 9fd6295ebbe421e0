package dev.sartor.peft.lora;

import dev.sartor.io.FormatException;
import dev.sartor.peft.ModuleSelector;
import dev.sartor.peft.NamePatterns;
import dev.sartor.peft.TargetRule;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/**
 * PEFT's {@code LoraConfig}. Components are named as its fields are.
 *
 * @param r rank
 * @param loraDropout probability of dropping an element of the adapter's input
 * @param targetModules unset: the usual ones of the model type
 * @param bias which of the base model's biases are trained along
 * @param useRslora scale by alpha / sqrt(r) (Kalajdzievski 2023) instead of alpha / r
 * @param useDora weight-decomposed (Liu et al. 2024)
 * @param modulesToSave modules trained whole
 * @param layersToTransform numbers of layers; empty for all
 * @param layersPattern names before a layer's number; empty for any
 * @param rankPattern ranks of modules whose names an expression matches, tried in order
 * @param alphaPattern as rankPattern, for alpha
 * @param fanInFanOut whether the targets' weights are stored as [in, out]; found out, not asked for
 * @param taskType such as {@code CAUSAL_LM}, or null
 * @param baseModelNameOrPath or null
 * @param targetParameters parameters adapted in themselves: fused weights of experts, a router's weight
 * @param other fields that mean nothing here, as they were read
 */
public record LoraConfig(
        int r,
        double loraAlpha,
        double loraDropout,
        ModuleSelector targetModules,
        ModuleSelector excludeModules,
        Bias bias,
        boolean useRslora,
        boolean useDora,
        List<String> modulesToSave,
        InitLoraWeights initLoraWeights,
        List<Integer> layersToTransform,
        List<String> layersPattern,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        boolean fanInFanOut,
        String taskType,
        String baseModelNameOrPath,
        List<String> targetParameters,
        ObjectNode other) {

    /** Which biases of the base model are trained along. */
    public enum Bias { NONE, ALL, LORA_ONLY }

    /** How A and B start. */
    public enum InitLoraWeights {
        /** {@code true}: A Kaiming-uniform, B zero. */
        KAIMING_UNIFORM,
        /** {@code false}: both Kaiming-uniform, so that the adapter changes something from the start. */
        RANDOM,
        /** A normal with deviation 1 / r, B zero. */
        GAUSSIAN,
        /** A from the data (Paischer et al. 2024), B zero; can be loaded, not begun. */
        EVA,
        /** Orthogonal A and B; can be loaded, not begun. */
        ORTHOGONAL
    }

    public LoraConfig {
        modulesToSave = List.copyOf(modulesToSave);
        layersToTransform = List.copyOf(layersToTransform);
        layersPattern = List.copyOf(layersPattern);
        targetParameters = List.copyOf(targetParameters);
        rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
        other = other.deepCopy();
    }

    /**
     * Reads PEFT's fields; those that are absent have PEFT's defaults.
     *
     * @param where the file, for messages
     * @throws FormatException if a value is not what it must be, or asks for what is not built
     */
    public static LoraConfig read(ObjectNode json, String where) throws FormatException {
        return LoraConfigJson.read(json, where);
    }

    @Override
    public ObjectNode other() {
        return other.deepCopy();
    }

    /** As adapter_config.json has it. */
    public ObjectNode toJson() {
        return LoraConfigJson.write(this);
    }

    /** The rank of a module. */
    int rank(String module) {
        return NamePatterns.value(rankPattern, module, r, "rank_pattern");
    }

    /** What a module's low-rank product is multiplied with. */
    double scaling(String module) {
        double alpha = NamePatterns.value(alphaPattern, module, loraAlpha, "alpha_pattern");
        int rank = rank(module);
        return alpha / (useRslora ? Math.sqrt(rank) : rank);
    }

    TargetRule rule(ModuleSelector targets) {
        return new TargetRule(targets, excludeModules, modulesToSave, layersToTransform, layersPattern);
    }

    /** With everything said that a reader would otherwise have to find out. */
    LoraConfig resolved(ModuleSelector targets, boolean transposed, String task, String base) {
        boolean named = targets instanceof ModuleSelector.Names;
        return new LoraConfig(
                r, loraAlpha, loraDropout, targets, excludeModules, bias, useRslora, useDora, modulesToSave, initLoraWeights,
                named ? layersToTransform : List.of(), named ? layersPattern : List.of(), rankPattern, alphaPattern,
                transposed, task, base, targetParameters, other);
    }
}
