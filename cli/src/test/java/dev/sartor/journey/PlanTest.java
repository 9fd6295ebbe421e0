package dev.sartor.journey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.Engine;
import dev.sartor.io.Json;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What memory a run takes, before and after. */
class PlanTest {
    @TempDir
    Path directory;

    /** Llama 3 70B's sizes, of which nothing but config.json is there. */
    @Test
    void whatFitsOfLlama70B() throws IOException {
        Files.writeString(directory.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128256, "hidden_size": 8192,
                 "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8,
                 "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "tie_word_embeddings": false}
                """);
        var text = Sartor.run("plan", "--model", directory, "--memory", "160GiB");
        assertEquals(0, text.status(), text.toString());
        assertTrue(text.out().contains("* fits into 160.0 GiB") && text.out().contains("LoRA r16"), text.out());
        var json = Sartor.run("plan", "--model", directory, "--memory", "160GiB", "--json", "--set", "r=8");
        assertEquals(0, json.status(), json.toString());
        var table = Json.parse(json.lastLine(), "the table");
        assertEquals(160L << 30, table.path("memory").asLong());
        var cells = table.path("cells").valueStream().toList();
        assertTrue(cells.size() >= 2 * 3 * 16, json.lastLine());
        // 70.6 billion parameters, with gradient and two moments in float32.
        assertTrue(cells.stream().filter(cell -> cell.path("method").asString().equals("full"))
                .allMatch(cell -> cell.path("planned_bytes").asLong() > 16 * 70_553_000_000L && !cell.path("fits").asBoolean()));
        var fitting = cells.stream().filter(cell -> cell.path("fits").asBoolean()).toList();
        assertTrue(fitting.stream().allMatch(cell -> cell.path("planned_bytes").asLong() <= 160L << 30));
        for (var method : List.of("LoRA r8", "QLoRA nf4 r8", "QLoRA nf4+dq r8")) {
            assertTrue(fitting.stream().anyMatch(cell -> cell.path("method").asString().equals(method)), method);
        }
        // The table's cell is the plan of that run.
        var cell = cells.stream().filter(each -> each.path("method").asString().equals("LoRA r8")
                && each.path("recomputation").asString().equals("cheap ops") && each.path("sequence").asInt() == 1024
                && each.path("batch").asInt() == 2).findFirst().orElseThrow();
        var one = Sartor.run("plan", "--model", directory, "--batch", "2", "--sequence", "1024", "--json", "--set", "r=8", "--set",
                "dtype=bfloat16", "--set", "max_memory=" + cell.path("planned_bytes").asLong());
        assertEquals(0, one.status(), one.toString());
        var plan = Json.parse(one.lastLine(), "the plan");
        assertEquals(cell.path("planned_bytes").asLong(), plan.path("planned_bytes").asLong());
        assertEquals("cheap ops", plan.path("recomputation").asString());
        assertTrue(plan.path("fits").asBoolean());
    }

    /** The table is of what the recipe leaves open, and says what it takes for granted. */
    @Test
    void tableFollowsTheRecipe() throws IOException {
        var model = Sartor.bareModel(directory.resolve("model"));
        assertEquals(Set.of("full", "LoRA r16", "QLoRA nf4 r16", "QLoRA nf4+dq r16"), methods(model));
        assertEquals(Set.of("QLoRA fp4 r16"), methods(model, "quantization=fp4"));
        assertEquals(Set.of("QLoRA nf4+dq r4"), methods(model, "load_in_4bit=true", "double_quant=true", "r=4"));
        assertEquals(Set.of("full"), methods(model, "peft_type=none"));

        var eight = table(model, "quantization=int8").lastLine();
        assertTrue(eight.contains("QLoRA int8 r16") && eight.contains("\"assumes\":\"int8 without outlier columns"), eight);
        var text = Sartor.run("plan", "--model", model, "--batch", "1", "--sequence", "32", "--set", "quantization=int8");
        assertTrue(text.lastLine().startsWith("planned as int8 without outlier columns"), text.toString());
        assertFalse(table(model).lastLine().contains("assumes"));

        for (var wrong : List.of("load_in_8bit=true quantization=nf4", "double_quant=true", "peft_type=none quantization=nf4")) {
            var refused = table(model, wrong.split(" "));
            assertNotEquals(0, refused.status(), wrong);
            assertTrue(refused.err().contains(wrong.contains("none") ? "cannot be trained" : wrong.split("=")[0]), refused.toString());
        }
        Files.writeString(model.resolve("config.json"), Files.readString(model.resolve("config.json")).replaceFirst(
                "\\{", "{\"quantization_config\": {\"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\"},"));
        assertEquals(Set.of("QLoRA nf4 r16"), methods(model));
        assertTrue(table(model, "quantization=int8").err().contains("quantized already"));
    }

    private static Sartor.Outcome table(Path model, String... settings) {
        var arguments = new ArrayList<Object>(List.of("plan", "--model", model, "--json"));
        Stream.of(settings).forEach(setting -> arguments.addAll(List.of("--set", setting)));
        return Sartor.run(arguments.toArray());
    }

    private static Set<String> methods(Path model, String... settings) throws IOException {
        var table = table(model, settings);
        assertEquals(0, table.status(), table.toString());
        return Json.parse(table.lastLine(), "the table").path("cells").valueStream().map(cell -> cell.path("method").asString())
                .collect(Collectors.toSet());
    }

    /** A process of its own, since this one's memory is the tests'. */
    @Test
    void peakIsAsPlanned() throws IOException, InterruptedException {
        var bare = Files.createDirectories(directory.resolve("bare"));
        Files.writeString(bare.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 4096, "hidden_size": 512,
                 "intermediate_size": 1408, "num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 4,
                 "max_position_embeddings": 512, "rms_norm_eps": 1e-05, "initializer_range": 0.02, "tie_word_embeddings": true}
                """);
        var model = directory.resolve("model");
        try (var engine = Engine.open(); var fresh = LanguageModel.fresh(engine.device(), bare, DType.FLOAT32, true, null, 3)) {
            ModelWriter.write(fresh, model, DType.BFLOAT16, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        }
        for (var setting : List.of("gradient_checkpointing=false", "gradient_checkpointing=true")) {
            var measured = measured("bench", "--model", model.toString(), "--batch", "4", "--sequence", "256", "--steps", "3",
                    "--json", "--set", setting);
            assertEquals(1, measured.path("peak_resident_bytes").asDouble() / measured.path("planned_bytes").asDouble(), 0.1, measured.toString());
        }
    }

    /** Weights pass from file to file: neither the model nor the result of quantizing it is ever in memory. */
    @Test
    void quantizingHoldsNoModel() throws IOException, InterruptedException {
        var bare = Files.createDirectories(directory.resolve("large-bare"));
        Files.writeString(bare.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 512, "hidden_size": 2048,
                 "intermediate_size": 5632, "num_hidden_layers": 2, "num_attention_heads": 16, "num_key_value_heads": 16,
                 "max_position_embeddings": 512, "rms_norm_eps": 1e-05, "initializer_range": 0.02, "tie_word_embeddings": true}
                """);
        var model = directory.resolve("large");
        try (var engine = Engine.open(); var fresh = LanguageModel.fresh(engine.device(), bare, DType.BFLOAT16, false, null, 3)) {
            ModelWriter.write(fresh, model, DType.FLOAT32, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        }
        assertTrue(Files.size(model.resolve("model.safetensors")) > 400_000_000);
        var measured = measured("quantize", "--model", model.toString(), "--output", directory.resolve("large-nf4").toString(), "--json",
                "--set", "quantization=nf4");
        assertTrue(measured.path("peak_resident_bytes").asLong() < 200L << 20, measured.toString());
    }

    /** What a command in a process of its own says last, run as the launcher runs it. */
    private static JsonNode measured(String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "-Xms32m", "-Xmn16m", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "dev.sartor.cli.Main"));
        command.addAll(List.of(arguments));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = process.inputReader().lines().collect(Collectors.toList());
        assertEquals(0, process.waitFor(), said.toString());
        return Json.parse(said.getLast(), arguments[0]);
    }
}
