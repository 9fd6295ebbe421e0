package dev.sartor.cli.recipe;

import dev.sartor.cli.recipe.Key.Type;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every key that recipes and {@code --set} know. */
public final class Keys {
    private static final double ANY = Double.MAX_VALUE;
    private static final Map<String, Key> BY_NAME = new LinkedHashMap<>();
    private static final List<Key> ALL = new ArrayList<>();

    static {
        // Model and data
        key("model_name_or_path", new Type.Text(), "directory of the base model, in Hugging Face layout", "model");
        key("device", new Type.Text(), "auto, cpu or reference");
        key("dtype", new Type.Choice(List.of("float32", "bfloat16")), "compute type", "torch_dtype");
        key("quantization", new Type.Choice(List.of("nf4", "fp4", "int8")),
                "the base model's linear layers in 4 or 8 bits (QLoRA); quantized models need no word", "bnb_4bit_quant_type");
        key("double_quant", new Type.Flag(), "the scales of nf4 or fp4 quantized too", "bnb_4bit_use_double_quant", "use_bnb_nested_quant");
        key("load_in_4bit", new Type.Flag(), "nf4, where quantization does not say fp4");
        key("load_in_8bit", new Type.Flag(), "int8");
        key("llm_int8_skip_modules", new Type.Texts(), "linear layers that are not quantized, besides lm_head: how their names begin or end");
        key("dataset_name", new Type.Texts(), "training data: .txt, .jsonl or .json", "dataset", "data", "train_file");
        key("eval_dataset", new Type.Texts(), "data for evaluation", "eval_file", "validation_file");
        key("eval_fraction", new Type.Number(0, 1), "share at the data's end that is kept for evaluation");
        key("output_dir", new Type.Text(), "where results go", "output");
        key("overwrite_output_dir", new Type.Flag(), "write into a directory that is not empty, which else is refused: files of the"
                + " same names are replaced, an earlier run's checkpoints deleted, all else stays");
        key("dataset_text_field", new Type.Text(), "the column of plain text");
        key("max_length", new Type.Whole(2), "longest sequence, in tokens; longer ones are cut, and counted", "max_seq_length");
        key("truncation_mode", new Type.Choice(List.of("keep_start", "keep_end")), "which end of a sample that is cut stays");
        key("bad_rows", new Type.Choice(List.of("stop", "skip")), "whether rows that cannot be used stop the run, or are left out and listed");
        key("packing", new Type.Flag(), "several samples a row; attention stays within each");
        key("packing_strategy", new Type.Choice(List.of("bfd", "wrapped")), "how samples are packed");
        key("pad_to_multiple_of", new Type.Whole(1), "rows are padded to a multiple of this many tokens");
        key("completion_only_loss", new Type.Flag(), "learn only the completion of prompt + completion");
        key("assistant_only_loss", new Type.Flag(), "learn only the assistant's turns of messages");
        // Training
        key("per_device_train_batch_size", new Type.Whole(1), "rows a micro-batch");
        key("per_device_eval_batch_size", new Type.Whole(1), "rows a batch of evaluation");
        key("gradient_accumulation_steps", new Type.Whole(1), "micro-batches an optimizer step");
        key("learning_rate", new Type.Number(0, ANY), "highest learning rate");
        key("lr_scheduler_type", new Type.Choice(List.of("constant", "constant_with_warmup", "linear", "cosine")), "schedule");
        key("warmup_steps", new Type.Whole(0), "steps of linear warm-up");
        key("warmup_ratio", new Type.Number(0, 1), "warm-up as a share of all steps");
        key("optim", new Type.Choice(List.of("adamw_torch", "adamw", "adamw_8bit", "adamw_bnb_8bit", "adafactor", "lion_32bit", "lion",
                "muon", "schedule_free_adamw", "paged_adamw_32bit", "paged_adamw_8bit", "paged_lion_32bit")),
                "optimizer; paged ones keep their state in a mapped file");
        key("optim_args", new Type.Settings(), "the optimizer's own numbers, as key=value,key=value or as a map");
        key("optim_state_dir", new Type.Text(), "directory of the file that optimizer state is mapped from");
        key("loraplus_lr_ratio", new Type.Positive(), "LoRA+: learning rate of B matrices over that of A matrices");
        key("weight_decay", new Type.Number(0, ANY), "decoupled weight decay");
        key("adam_beta1", new Type.Number(0, 1), "first beta of AdamW and Lion");
        key("adam_beta2", new Type.Number(0, 1), "second beta of AdamW and Lion");
        key("adam_epsilon", new Type.Number(0, 1), "AdamW's epsilon");
        key("max_grad_norm", new Type.Number(0, ANY), "bound of the gradients' norm; 0 for none");
        key("num_train_epochs", new Type.Number(0, ANY), "passes over the data");
        key("max_steps", new Type.Whole(-1), "optimizer steps; above 0 it rules over epochs");
        key("logging_steps", new Type.Whole(1), "steps between reports");
        key("eval_steps", new Type.Whole(0), "steps between evaluations; 0 for none but the last");
        key("save_steps", new Type.Whole(0), "steps between checkpoints; 0 for none");
        key("save_total_limit", new Type.Whole(0), "checkpoints that are kept; 0 for all");
        key("resume_from_checkpoint", new Type.Text(), "a checkpoint's directory, or latest");
        key("seed", new Type.Whole(0), "of data order, dropout and initial values");
        key("gradient_checkpointing", new Type.FlagOr(List.of("auto")), "true: compute blocks again in the backward pass; false: keep all; auto: as little again as memory allows");
        key("max_memory", new Type.Size(), "what a run may use, such as 24GiB; all that the machine has if not said");
        // Mixtures of experts
        key("output_router_logits", new Type.Flag(), "load-balancing loss for mixtures of experts; config.json's word if not said");
        key("router_aux_loss_coef", new Type.Number(0, ANY), "coefficient of the load-balancing loss");
        key("router_z_loss_coef", new Type.Number(0, ANY), "coefficient of the routers' z-loss", "moe_z_loss_coeff");
        key("router_jitter_noise", new Type.Number(0, 1), "noise on the input of mixtures of experts, in training");
        key("moe_expert_capacity_factor", new Type.Number(0, ANY),
                "what an expert takes at most in training, in even shares; 0: all, none is dropped");
        key("moe_router_bias_update_rate", new Type.Number(0, ANY),
                "what routers' correction biases move by after a step, to balance without a loss", "bias_update_speed");
        // Adapter
        key("peft_type", new Type.Choice(List.of("LORA", "none")), "adapter method; none trains every weight");
        key("r", new Type.Whole(1), "LoRA rank", "lora_r");
        key("lora_alpha", new Type.Number(0, ANY), "LoRA alpha");
        key("lora_dropout", new Type.Number(0, 1), "dropout on the adapter's input");
        key("target_modules", new Type.Peft(), "names, an expression, or all-linear", "lora_target_modules");
        key("target_parameters", new Type.Peft(), "names of parameters that are no linear layers: mlp.experts.gate_up_proj, mlp.experts.down_proj, mlp.gate.weight");
        key("exclude_modules", new Type.Peft(), "names or an expression");
        key("bias", new Type.Choice(List.of("none", "all", "lora_only")), "which biases are trained along");
        key("use_rslora", new Type.Flag(), "scale by alpha / sqrt(r)");
        key("use_dora", new Type.Flag(), "weight-decomposed adapter");
        key("modules_to_save", new Type.Peft(), "modules trained whole", "lora_modules_to_save");
        key("layers_to_transform", new Type.Peft(), "numbers of layers");
        key("layers_pattern", new Type.Peft(), "names before a layer's number");
        key("rank_pattern", new Type.Peft(), "ranks by module expression");
        key("alpha_pattern", new Type.Peft(), "alphas by module expression");
        key("init_lora_weights", new Type.Peft(), "true, false or gaussian");
        // Generation
        key("max_new_tokens", new Type.Whole(1), "longest answer");
        key("temperature", new Type.Number(0, ANY), "0 for greedy");
        key("top_k", new Type.Whole(0), "likeliest tokens considered; 0 for all");
        key("top_p", new Type.Number(0, 1), "probability mass considered");
        key("stop", new Type.Texts(), "texts that end the answer", "stop_strings");
    }

    private Keys() {}

    private static void key(String name, Type type, String meaning, String... aliases) {
        var key = new Key(name, List.of(aliases), type, meaning);
        ALL.add(key);
        BY_NAME.put(name, key);
        key.aliases().forEach(alias -> BY_NAME.put(alias, key));
    }

    public static List<Key> all() {
        return List.copyOf(ALL);
    }

    /**
     * @throws RecipeException if there is no such key, suggesting the nearest
     */
    static Key find(String name, String where) {
        var key = BY_NAME.get(name);
        if (key == null) {
            var nearest = BY_NAME.keySet().stream()
                    .min(Comparator.comparingInt(known -> distance(name, known)))
                    .orElseThrow();
            throw new RecipeException(where + ": unknown key '" + name + "'; did you mean '" + nearest
                    + "'? (`sartor keys` lists all)");
        }
        return key;
    }

    /** Edits from one text to the other (Levenshtein 1966). */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(Math.min(row[j] + 1, row[j - 1] + 1), diagonal + change);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
