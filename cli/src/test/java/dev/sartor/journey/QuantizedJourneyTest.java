package dev.sartor.journey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A quantized model, from quantizing to an adapter merged into it, command by command. */
class QuantizedJourneyTest {
    @TempDir
    static Path directory;

    private static Path base;
    private static Path data;
    private static Path quantized;
    private static String said;

    @BeforeAll
    static void pretrainAndQuantize() throws IOException {
        data = Sartor.messages(directory.resolve("rows.jsonl"));
        base = directory.resolve("base");
        var recipe = Files.writeString(directory.resolve("pretrain.yaml"), """
                model_name_or_path: %s
                dataset_name: %s
                output_dir: %s
                max_length: 32
                per_device_train_batch_size: 2
                max_steps: 1
                """.formatted(Sartor.bareModel(directory.resolve("bare")), Sartor.text(directory.resolve("prose.txt")), base));
        assertEquals(0, Sartor.run("pretrain", recipe).status());
        quantized = directory.resolve("nf4");
        said = succeeds("quantize", "--model", base, "--output", quantized, "--set", "quantization=nf4", "--set", "double_quant=true");
    }

    private static String succeeds(Object... arguments) {
        var outcome = Sartor.run(arguments);
        assertEquals(0, outcome.status(), outcome.toString());
        return outcome.out();
    }

    private static String loss(Object... arguments) throws IOException {
        var all = new ArrayList<Object>(List.of("eval", "--data", data, "--set", "max_length=64", "--json"));
        all.addAll(List.of(arguments));
        return Json.parse(succeeds(all.toArray()).strip().lines().toList().getLast(), "eval").path("loss").toString();
    }

    private static void fails(String said, Object... arguments) {
        var outcome = Sartor.run(arguments);
        assertEquals(1, outcome.status(), outcome.toString());
        assertTrue(outcome.err().contains(said), outcome.err());
        assertFalse(outcome.err().contains("an error inside Sartor"), outcome.err());
    }

    @Test
    void quantizeTellsWhatItCost() throws IOException {
        assertTrue(said.contains("quantized 14 layers into " + quantized), said);
        assertTrue(said.contains("worst ") && said.contains("mean "), said);
        assertTrue(Files.size(quantized.resolve("model.safetensors")) < Files.size(base.resolve("model.safetensors")));
        assertTrue(Files.exists(quantized.resolve("tokenizer.json")));
        assertEquals(loss("--model", base, "--set", "quantization=nf4", "--set", "bnb_4bit_use_double_quant=true"),
                loss("--model", quantized), "on load and on disk are the same");
        assertEquals(loss("--model", base, "--set", "load_in_4bit=true"), loss("--model", base, "--set", "quantization=nf4"));
    }

    @Test
    void adaptersAreTunedOnItAndMerged() throws IOException {
        var adapter = directory.resolve("adapter");
        var tuned = succeeds("sft", "--model", quantized, "--data", data, "--output", adapter, "--set", "max_steps=6", "--set",
                "learning_rate=0.02", "--set", "max_length=64", "--set", "use_dora=true", "--set", "packing=true");
        assertTrue(tuned.contains("saved to " + adapter), tuned);
        double before = Double.parseDouble(loss("--model", quantized));
        double after = Double.parseDouble(loss("--model", quantized, "--adapter", adapter));
        assertTrue(after < before - 0.3, before + " to " + after);
        fails("is the original model's own directory", "merge", "--model", quantized, "--adapter", adapter, "--output", base,
                "--original", base, "--set", "overwrite_output_dir=true");
        var merged = directory.resolve("merged");
        var report = succeeds("merge", "--model", quantized, "--adapter", adapter, "--output", merged, "--save-dtype", "float32",
                "--original", base);
        assertTrue(report.contains("merged 14 layers") && report.contains("the base is quantized (nf4 with double quantization)")
                && report.contains("quantizing had cost at most"), report);
        assertEquals(after, Double.parseDouble(loss("--model", merged)), 1e-4);
        assertTrue(succeeds("merge", "--model", base, "--adapter", adapter, "--output", directory.resolve("merged16"), "--set",
                "quantization=nf4").contains("all are written in bfloat16; quantizing had cost"));
    }

    @Test
    void resumesOnTheSameBaseOnly() {
        var output = directory.resolve("resumed");
        var arguments = new ArrayList<Object>(List.of("sft", "--model", base, "--data", data, "--output", output, "--set", "max_steps=3",
                "--set", "max_length=64", "--set", "save_steps=2"));
        succeeds(with(arguments, "quantization=nf4"));
        fails("other settings or data", with(arguments, "resume_from_checkpoint=" + output.resolve("checkpoint-2")));
        succeeds(with(arguments, "resume_from_checkpoint=" + output.resolve("checkpoint-2"), "quantization=nf4"));
    }

    private static Object[] with(List<Object> arguments, String... settings) {
        var all = new ArrayList<>(arguments);
        for (var setting : settings) {
            all.addAll(List.of("--set", setting));
        }
        return all.toArray();
    }

    @Test
    void planKnowsIt() {
        var plan = succeeds("plan", "--model", quantized, "--sequence", "32");
        assertEquals(plan, succeeds("plan", "--model", base, "--sequence", "32", "--set", "quantization=nf4", "--set", "double_quant=true"));
        assertFalse(plan.equals(succeeds("plan", "--model", base, "--sequence", "32")), plan);
    }

    /** Where every layer has an adapter, none is told to have been dequantized besides. */
    @Test
    void layersThatAreOnlyDequantized() {
        for (var targets : List.of("all-linear", "[q_proj]")) {
            var adapter = directory.resolve("adapter-" + targets);
            succeeds("sft", "--model", quantized, "--data", data, "--output", adapter, "--set", "max_steps=1", "--set", "max_length=64",
                    "--set", "target_modules=" + targets);
            var report = succeeds("merge", "--model", quantized, "--adapter", adapter, "--output", directory.resolve("merged-" + targets));
            assertTrue(report.contains("double quantization): " + (targets.equals("[q_proj]") ? "12 more layers were dequantized, " : "")
                    + "all are written in bfloat16"), report);
        }
    }

    @Test
    void mistakesAreNamed() {
        var out = directory.resolve("out");
        fails("say how: --set quantization=nf4", "quantize", "--model", base, "--output", out);
        fails("is quantized already (nf4 with double quantization)", "eval", "--model", quantized, "--data", data, "--set",
                "quantization=fp4");
        fails("double_quant: says how to quantize", "eval", "--model", base, "--data", data, "--set", "double_quant=true");
        fails("double_quant: is for nf4 and fp4", "eval", "--model", base, "--data", data, "--set", "quantization=int8", "--set",
                "double_quant=true");
        fails("load_in_4bit and load_in_8bit are both true", "eval", "--model", base, "--data", data, "--set", "load_in_4bit=true",
                "--set", "load_in_8bit=true");
        fails("quantized weights cannot be trained", "sft", "--model", quantized, "--data", data, "--output", out, "--set",
                "peft_type=none", "--set", "max_steps=1", "--set", "max_length=64");
        fails("is the base model's own directory", "quantize", "--model", base, "--output", base, "--set", "quantization=nf4", "--set",
                "overwrite_output_dir=true");
        fails(data + ": is there already, and no directory; choose another", "quantize", "--model", base, "--output", data, "--set",
                "quantization=nf4");
    }
}
