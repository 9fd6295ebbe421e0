package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.cli.recipe.Size;
import dev.sartor.data.Dataset.BadRows;
import dev.sartor.data.EncodingOptions.TruncationMode;
import dev.sartor.data.Packing;
import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.model.Recompute;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.train.DataSource;
import dev.sartor.train.LearningRate;
import dev.sartor.train.RouterArguments;
import dev.sartor.train.TrainingArguments;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Turns a recipe into the engine's own settings. */
final class RecipeReader {
    private static final int DEFAULT_LENGTH = 1024;
    private static final List<String> LORA_KEYS = List.of(
            "r", "lora_alpha", "lora_dropout", "target_modules", "target_parameters", "exclude_modules", "bias", "use_rslora", "use_dora",
            "modules_to_save", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern", "init_lora_weights");

    private RecipeReader() {}

    static TrainingArguments arguments(Recipe recipe) {
        var defaults = TrainingArguments.defaults();
        return new TrainingArguments(
                whole(recipe, "per_device_train_batch_size", defaults.perDeviceTrainBatchSize()),
                whole(recipe, "gradient_accumulation_steps", defaults.gradientAccumulationSteps()),
                recipe.number("learning_rate").orElse(defaults.learningRate()),
                recipe.text("lr_scheduler_type").map(RecipeReader::schedule)
                        .orElse(OptimizerReader.needsNoSchedule(recipe) ? LearningRate.Schedule.CONSTANT : defaults.lrSchedulerType()),
                recipe.whole("warmup_steps").orElse(defaults.warmupSteps()),
                recipe.number("warmup_ratio").orElse(defaults.warmupRatio()),
                OptimizerReader.read(recipe),
                recipe.number("max_grad_norm").orElse(defaults.maxGradNorm()),
                recipe.number("num_train_epochs").orElse(defaults.numTrainEpochs()),
                Math.max(0, recipe.whole("max_steps").orElse(0)),
                whole(recipe, "logging_steps", defaults.loggingSteps()),
                recipe.whole("eval_steps").orElse(defaults.evalSteps()),
                recipe.whole("save_steps").orElse(defaults.saveSteps()),
                whole(recipe, "save_total_limit", defaults.saveTotalLimit()),
                recipe.whole("seed").orElse(defaults.seed()),
                recipe.text("gradient_checkpointing").orElse("auto").equals("true") ? Recompute.BLOCKS : Recompute.NONE);
    }

    /** What the recipe says of mixtures of experts. */
    static RouterArguments routers(Recipe recipe) {
        return new RouterArguments(recipe.value("output_router_logits").map(JsonNode::booleanValue),
                number(recipe, "router_aux_loss_coef"), number(recipe, "router_z_loss_coef"), number(recipe, "router_jitter_noise"),
                number(recipe, "moe_expert_capacity_factor"), number(recipe, "moe_router_bias_update_rate"));
    }

    private static Optional<Double> number(Recipe recipe, String key) {
        return recipe.value(key).map(JsonNode::doubleValue);
    }

    /** Whether recomputation is chosen by the memory there is. */
    static boolean automaticRecompute(Recipe recipe) {
        return recipe.text("gradient_checkpointing").orElse("auto").equals("auto");
    }

    /** Bytes that a run may use, the Java virtual machine included: max_memory, or what this machine has. */
    static long memory(Recipe recipe) {
        return recipe.text("max_memory").map(Size::bytes).orElseGet(ProcessMemory::limit);
    }

    /** As {@link #memory}, but no more than this machine has. */
    static long memoryHere(Recipe recipe) {
        return Math.min(memory(recipe), ProcessMemory.limit());
    }

    private static LearningRate.Schedule schedule(String name) {
        return switch (name) {
            case "linear" -> LearningRate.Schedule.LINEAR;
            case "cosine" -> LearningRate.Schedule.COSINE;
            default -> LearningRate.Schedule.CONSTANT;
        };
    }

    static int whole(Recipe recipe, String key, int otherwise) {
        return Math.toIntExact(recipe.whole(key).orElse(otherwise));
    }

    static int maxLength(Recipe recipe) {
        return whole(recipe, "max_length", DEFAULT_LENGTH);
    }

    static DataSource.Options data(Recipe recipe) {
        var defaults = DataSource.Options.of(List.of());
        return new DataSource.Options(
                paths(recipe, "dataset_name"), paths(recipe, "eval_dataset"),
                recipe.text("bad_rows").map(value -> BadRows.valueOf(value.toUpperCase(Locale.ROOT))).orElse(defaults.badRows()),
                recipe.number("eval_fraction").orElse(0),
                recipe.text("dataset_text_field").orElse(defaults.textField()), maxLength(recipe),
                recipe.text("truncation_mode").map(value -> TruncationMode.valueOf(value.toUpperCase(Locale.ROOT)))
                        .orElse(defaults.truncationMode()),
                recipe.flag("packing", false) ? Packing.named(recipe.text("packing_strategy").orElse("bfd")) : Packing.NONE,
                recipe.value("completion_only_loss").map(value -> Optional.of(value.booleanValue())).orElse(Optional.empty()),
                recipe.flag("assistant_only_loss", false),
                whole(recipe, "pad_to_multiple_of", defaults.padToMultipleOf()),
                whole(recipe, "per_device_train_batch_size", defaults.trainBatch()),
                whole(recipe, "per_device_eval_batch_size", defaults.evalBatch()),
                recipe.whole("seed").orElse(defaults.seed()));
    }

    private static List<Path> paths(Recipe recipe, String key) {
        return recipe.texts(key).stream().map(Path::of).toList();
    }

    /** The adapter's configuration, or null where every weight is to be trained. TRL's defaults, on all linear layers. */
    static LoraConfig adapter(Recipe recipe) throws FormatException {
        if (recipe.text("peft_type").orElse("LORA").equals("none")) {
            return null;
        }
        return lora(recipe);
    }

    /** The recipe's LoRA configuration, whatever peft_type says. */
    static LoraConfig lora(Recipe recipe) throws FormatException {
        var json = Json.object();
        json.put("peft_type", "LORA");
        json.put("task_type", "CAUSAL_LM");
        json.put("r", 16);
        json.put("lora_alpha", 32);
        json.put("target_modules", "all-linear");
        for (var key : LORA_KEYS) {
            recipe.value(key).ifPresent(value -> json.set(key, value));
        }
        return LoraConfig.read(json, "recipe");
    }
}
