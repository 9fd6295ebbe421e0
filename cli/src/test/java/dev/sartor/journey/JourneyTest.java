package dev.sartor.journey;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Json;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** From nothing to a tuned and merged model, command by command. */
class JourneyTest {
    @TempDir
    static Path directory;

    private static Path base;
    private static Path adapter;
    private static Path data;
    private static Path recipe;

    @BeforeAll
    static void pretrainAndTune() throws IOException {
        var bare = Sartor.bareModel(directory.resolve("bare"));
        var text = Sartor.text(directory.resolve("prose.txt"));
        data = Sartor.messages(directory.resolve("rows.jsonl"));
        base = directory.resolve("base");
        var pretraining = Files.writeString(directory.resolve("pretrain.yaml"), """
                model_name_or_path: %s
                dataset_name: %s
                output_dir: %s
                eval_fraction: 0.1
                max_length: 32
                per_device_train_batch_size: 4
                max_steps: 2
                learning_rate: 1e-3
                logging_steps: 1
                """.formatted(bare, text, base));
        var pretrained = Sartor.run("pretrain", pretraining);
        assertEquals(0, pretrained.status(), pretrained.toString());
        assertTrue(pretrained.out().contains("step 2/2  loss "), pretrained.out());
        for (var file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "recipe.json")) {
            assertTrue(Files.exists(base.resolve(file)), file);
        }
        adapter = directory.resolve("adapter");
        recipe = Files.writeString(directory.resolve("sft.yaml"), """
                model_name_or_path: %s
                dataset_name: %s
                max_length: 64
                packing: true
                per_device_train_batch_size: 2
                gradient_accumulation_steps: 2
                max_steps: 6
                learning_rate: 0.02
                lora_dropout: 0.1
                assistant_only_loss: true
                save_steps: 3
                """.formatted(base, data));
        var tuned = Sartor.run("sft", recipe, "--set", "logging_steps=1", "--set", "output_dir=" + adapter, "--device", "cpu");
        assertEquals(0, tuned.status(), tuned.toString());
        assertTrue(tuned.out().contains("step 6/6  loss "), tuned.out());
        assertTrue(tuned.out().contains("saved to " + adapter), tuned.out());
    }

    private static ObjectNode json(String line) throws IOException {
        return (ObjectNode) Json.parse(line, "output");
    }

    @Test
    void tuningLearnsAndIsRecorded() throws IOException {
        var lines = Files.readAllLines(adapter.resolve("metrics.jsonl"));
        assertEquals(6, lines.size());
        assertEquals(Set.of("step", "epoch", "loss", "grad_norm", "learning_rate", "num_input_tokens_seen", "tokens_per_second"),
                Set.copyOf(json(lines.getFirst()).propertyNames()));
        double first = json(lines.getFirst()).path("loss").asDouble();
        double last = json(lines.getLast()).path("loss").asDouble();
        assertTrue(last < first - 0.5, first + " to " + last);
        for (var file : List.of("adapter_config.json", "adapter_model.safetensors", "checkpoint-3", "checkpoint-6")) {
            assertTrue(Files.exists(adapter.resolve(file)), file);
        }
        assertEquals(0.02, json(Files.readString(adapter.resolve("recipe.json"))).path("learning_rate").asDouble());
    }

    @Test
    void evalSaysHowGood() throws IOException {
        var before = Sartor.run("eval", "--model", base, "--data", data, "--set", "max_length=64", "--json");
        assertEquals(0, before.status(), before.toString());
        var after = Sartor.run("eval", "--model", base, "--adapter", adapter, "--data", data, "--set", "max_length=64", "--json");
        var found = json(after.lastLine());
        assertEquals(List.of("loss", "perplexity", "tokens"), List.copyOf(found.propertyNames()));
        assertEquals(Math.exp(found.path("loss").asDouble()), found.path("perplexity").asDouble(), 1e-6);
        assertTrue(found.path("tokens").asLong() > 24 * 10, found.toString());
        assertTrue(found.path("loss").asDouble() < json(before.lastLine()).path("loss").asDouble() - 0.5);
        var reference = Sartor.run("eval", "--model", base, "--adapter", adapter, "--data", data, "--set", "max_length=64", "--json",
                "--device", "reference");
        assertEquals(found.path("loss").asDouble(), json(reference.lastLine()).path("loss").asDouble(), 1e-4);
    }

    @Test
    void generateGoesOn() {
        var arguments = new Object[] {"generate", "--model", base, "--adapter", adapter, "--prompt", "Nell found", "--set", "max_new_tokens=8"};
        var first = Sartor.run(arguments);
        assertEquals(0, first.status(), first.toString());
        assertTrue(first.out().startsWith("Nell found") && first.out().strip().length() > "Nell found".length(), first.out());
        assertEquals(first.out(), Sartor.run(arguments).out());
        var chat = Sartor.run("generate", "--model", base, "--adapter", adapter, "--chat", "--prompt", "What happened?", "--set",
                "max_new_tokens=8", "--set", "temperature=0.8", "--set", "seed=3");
        assertEquals(0, chat.status(), chat.toString());
    }

    @Test
    void mergedModelGivesTheSame() throws IOException {
        var input = directory.resolve("in.safetensors");
        long[] ids = {1, 300, 301, 302, 303, 304, 5, 6, 7, 8, 9, 10};
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocateFrom(ValueLayout.JAVA_LONG, ids);
            var spec = TensorSpec.of(DType.INT64, 2, 6);
            SafetensorsWriter.write(input, List.of(TensorSource.of("input_ids", spec, host), TensorSource.of("labels", spec, host)));
        }
        var merged = directory.resolve("merged");
        var merge = Sartor.run("merge", "--model", base, "--adapter", adapter, "--output", merged, "--save-dtype", "float32");
        assertEquals(0, merge.status(), merge.toString());
        assertTrue(merge.out().contains("drift: "), merge.out());
        var plain = forward(base, null, input);
        var adapted = forward(base, adapter, input);
        var whole = forward(merged, null, input);
        assertEquals(2 * 6 * 2048 + 1, whole.length);
        assertArrayEquals(adapted, whole, 2e-4f);
        assertTrue(Math.abs(plain[plain.length - 1] - adapted[adapted.length - 1]) > 0.01, "the adapter changes the loss");
    }

    /** Logits, and at the end the loss. */
    private static float[] forward(Path model, Path adapter, Path input) throws IOException {
        var output = directory.resolve("out.safetensors");
        var done = adapter == null ? Sartor.run("forward", "--model", model, "--input", input, "--output", output)
                : Sartor.run("forward", "--model", model, "--adapter", adapter, "--input", input, "--output", output);
        assertEquals(0, done.status(), done.toString());
        try (var file = Safetensors.open(output)) {
            assertEquals(TensorSpec.of(DType.FLOAT32, 2, 6, 2048), file.spec("logits"));
            float[] logits = file.data("logits").toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            float[] all = Arrays.copyOf(logits, logits.length + 1);
            all[logits.length] = file.data("loss").get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
            return all;
        }
    }

    @Test
    void planAddsUp() throws IOException {
        var plan = Sartor.run("plan", recipe, "--json");
        assertEquals(0, plan.status(), plan.toString());
        var found = json(plan.lastLine());
        long sum = List.of("weights", "mapped", "adapters", "optimizer", "activations", "scratch", "jvm").stream()
                .mapToLong(key -> found.path(key).asLong()).sum();
        assertEquals(found.path("planned_bytes").asLong(), sum);
        assertTrue(found.path("trained_parameters").asLong() > 0);
        var more = json(Sartor.run("plan", recipe, "--batch", "8", "--json").lastLine());
        assertTrue(more.path("activations").asLong() > found.path("activations").asLong());
        assertEquals(0, Sartor.run("plan", "--model", base, "--sequence", "64").status());
    }

    @Test
    void benchMeasures() throws IOException {
        var bench = Sartor.run("bench", "--model", base, "--batch", "2", "--sequence", "16", "--steps", "3", "--json", "--set", "r=4");
        assertEquals(0, bench.status(), bench.toString());
        var found = json(bench.lastLine());
        assertTrue(Set.copyOf(found.propertyNames()).containsAll(
                Set.of("tokens_per_second_median", "tokens_per_second_best", "peak_resident_bytes", "planned_bytes")), bench.lastLine());
        assertTrue(found.path("tokens_per_second_best").asDouble() >= found.path("tokens_per_second_median").asDouble());
        assertTrue(found.path("tokens_per_second_median").asDouble() > 0);
    }

    @Test
    void benchMeasuresGeneration() throws IOException {
        var bench = Sartor.run("bench", "--model", base, "--generate", "8", "--prompt", "5", "--batch", "2", "--json");
        assertEquals(0, bench.status(), bench.toString());
        var found = json(bench.lastLine());
        for (var key : List.of("decode_tokens_per_second", "decode_step_milliseconds_median", "prefill_tokens_per_second")) {
            assertTrue(found.path(key).asDouble() > 0, bench.lastLine());
        }
        assertTrue(Sartor.run("bench", "--model", base, "--generate", "8").out().contains("tokens per second"));
        assertEquals(1, Sartor.run("bench", "--model", base, "--generate", "1").status());
    }

    @Test
    void devicesAndKeysAreListed() {
        var devices = Sartor.run("devices");
        assertEquals(0, devices.status());
        assertTrue(devices.out().matches("(?s).*cpu +usable.*") && devices.out().matches("(?s).*reference +usable.*"), devices.out());
        assertTrue(Sartor.run("keys").out().contains("gradient_accumulation_steps"));
    }

    @Test
    void resumedRunEndsTheSame() throws IOException {
        var again = directory.resolve("again");
        Sartor.run("sft", recipe, "--set", "output_dir=" + again);
        var whole = Files.readAllBytes(again.resolve("adapter_model.safetensors"));
        Files.delete(again.resolve("adapter_model.safetensors"));
        var refused = Sartor.run("sft", recipe, "--set", "output_dir=" + again);
        assertEquals(1, refused.status(), refused.toString());
        assertTrue(refused.err().contains("resume_from_checkpoint=latest"), refused.err());
        var resumed = Sartor.run("sft", recipe, "--set", "output_dir=" + again, "--set",
                "resume_from_checkpoint=" + again.resolve("checkpoint-3"));
        assertEquals(0, resumed.status(), resumed.toString());
        assertArrayEquals(whole, Files.readAllBytes(again.resolve("adapter_model.safetensors")));
        var other = Sartor.run("sft", recipe, "--set", "output_dir=" + again, "--set", "resume_from_checkpoint=latest", "--set", "seed=5");
        assertEquals(1, other.status(), other.toString());
        assertTrue(other.err().contains("other settings or data"), other.err());
    }

    /** Reports are those of a run that never stopped, wherever it did: inside a window, and with some written in vain. */
    @Test
    void resumedMetricsAreTheSame() throws IOException {
        var output = directory.resolve("metrics");
        var settings = new String[] {"sft", recipe.toString(), "--set", "max_steps=9", "--set", "save_steps=4", "--set", "logging_steps=3",
            "--set", "eval_dataset=" + data, "--set", "eval_steps=2", "--set", "save_total_limit=9", "--set", "output_dir=" + output};
        assertEquals(0, Sartor.run((Object[]) settings).status());
        var metrics = output.resolve("metrics.jsonl");
        var whole = withoutSpeed(metrics);
        assertEquals(List.of(0, 2, 3, 4, 6, 6, 8, 9, 9), whole.stream().map(line -> line.path("step").asInt()).toList());
        for (var from : List.of("checkpoint-8", "checkpoint-4")) {
            Files.writeString(metrics, "{\"step\": 5, \"los", StandardOpenOption.APPEND);
            var resumed = Sartor.run(append(settings, "--set", "resume_from_checkpoint=" + output.resolve(from)));
            assertEquals(0, resumed.status(), resumed.toString());
            assertEquals(whole, withoutSpeed(metrics));
        }
        var other = Files.writeString(directory.resolve("other-eval.jsonl"), Files.readString(data).lines().skip(1)
                .collect(Collectors.joining("\n")) + "\n");
        var refused = Sartor.run(append(settings, "--set", "resume_from_checkpoint=latest", "--set", "eval_dataset=" + other));
        assertEquals(1, refused.status(), refused.toString());
        assertTrue(refused.err().contains("other settings or data"), refused.err());
    }

    private static List<JsonNode> withoutSpeed(Path metrics) throws IOException {
        var lines = new ArrayList<JsonNode>();
        for (var line : Files.readAllLines(metrics)) {
            var object = (ObjectNode) Json.parse(line, metrics.toString());
            object.remove("tokens_per_second");
            lines.add(object);
        }
        return lines;
    }

    /**
     * A process that is told to end saves first and can go on. SIGTERM and not the SIGINT of Ctrl-C,
     * which a JVM started in the background by a shell does not hear; it treats both alike.
     */
    @Test
    void interruptedProcessSaves() throws Exception {
        var output = directory.resolve("interrupted");
        var settings = new String[] {"sft", recipe.toString(), "--set", "max_steps=120", "--set", "save_steps=0", "--set", "logging_steps=1",
            "--set", "per_device_train_batch_size=1", "--set", "gradient_accumulation_steps=1"};
        var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), "dev.sartor.cli.Main"));
        command.addAll(List.of(settings));
        command.addAll(List.of("--set", "output_dir=" + output));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var lines = process.inputReader()) {
            var seen = new StringBuilder();
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                seen.append(line).append('\n');
                if (line.startsWith("step 3/120")) {
                    process.toHandle().destroy();
                }
            }
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertNotEquals(0, process.exitValue(), seen.toString());
            assertTrue(seen.toString().contains("stopped after "), seen.toString());
        } finally {
            process.destroyForcibly();
        }
        try (var files = Files.list(output)) {
            assertEquals(1, files.filter(file -> file.getFileName().toString().matches("checkpoint-\\d+")).count());
        }
        var resumed = Sartor.run(append(settings, "--set", "output_dir=" + output, "--set", "resume_from_checkpoint=latest"));
        assertEquals(0, resumed.status(), resumed.toString());
        var whole = directory.resolve("uninterrupted");
        Sartor.run(append(settings, "--set", "output_dir=" + whole));
        assertEquals(-1, Files.mismatch(whole.resolve("adapter_model.safetensors"), output.resolve("adapter_model.safetensors")));
        assertEquals(120, Files.readAllLines(output.resolve("metrics.jsonl")).size());
    }

    private static Object[] append(String[] settings, String... more) {
        return Stream.concat(Arrays.stream(settings), Arrays.stream(more)).toArray();
    }
}
