package dev.sartor.journey;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.DirectoryLock;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each mistake is answered with where, what, what was expected, and what to do. */
class MistakesTest {
    @TempDir
    static Path directory;

    private static Path base;
    private static Path data;

    @BeforeAll
    static void makeModel() throws IOException {
        data = Sartor.messages(directory.resolve("rows.jsonl"));
        base = pretrain("base", Sartor.bareModel(directory.resolve("bare")));
    }

    private static Path pretrain(String name, Path bare) throws IOException {
        var recipe = Files.writeString(directory.resolve(name + ".yaml"), """
                model_name_or_path: %s
                dataset_name: %s
                output_dir: %s
                max_length: 16
                max_steps: 1
                per_device_train_batch_size: 1
                """.formatted(bare, Sartor.text(directory.resolve("prose.txt")), directory.resolve(name)));
        assertEquals(0, Sartor.run("pretrain", recipe).status());
        return directory.resolve(name);
    }

    private static void fails(String[] said, Object... arguments) {
        var outcome = Sartor.run(arguments);
        assertEquals(1, outcome.status(), outcome.toString());
        for (var part : said) {
            assertTrue(outcome.err().contains(part), outcome.err());
        }
        assertFalse(outcome.err().contains("an error inside Sartor") || outcome.err().contains("\tat "), outcome.err());
    }

    private static void sftFails(String[] said, String... settings) {
        var arguments = new ArrayList<Object>(List.of("sft", "--model", base, "--data", data, "--output",
                directory.resolve("out"), "--set", "max_steps=2", "--set", "max_length=64"));
        for (var setting : settings) {
            arguments.addAll(List.of("--set", setting));
        }
        fails(said, arguments.toArray());
    }

    private static String[] said(Object... parts) {
        return Stream.of(parts).map(Object::toString).toArray(String[]::new);
    }

    @Test
    void keysAndValues() {
        sftFails(said("--set lerning_rate=1", "unknown key 'lerning_rate'", "did you mean 'learning_rate'?"), "lerning_rate=1");
        sftFails(said("learning_rate: expected a number of 0 or more, found \"fast\""), "learning_rate=fast");
        sftFails(said("lr_scheduler_type: expected one of constant, constant_with_warmup, linear, cosine"), "lr_scheduler_type=step");
        sftFails(said("max_length: expected a whole number of 2 or more, found 1"), "max_length=1");
        sftFails(said("adam_beta1: expected in [0, 1), found 1.0"), "adam_beta1=1");
        sftFails(said("there is no device 'cuda:0'; expected one of auto, cpu, reference"), "device=cuda:0");
        sftFails(said("loraplus_lr_ratio: expected a number above 0, found 0"), "loraplus_lr_ratio=0");
        sftFails(said("llm_int8_skip_modules: 'q_prj' begins or ends the name of no layer", "the nearest are q_proj, "),
                "quantization=nf4", "llm_int8_skip_modules=q_prj");
        sftFails(said("target_modules", "'nothing' matches no layer", "q_proj"), "target_modules=nothing");
        fails(said("the recipe has no model_name_or_path"), "sft");
        fails(said("the recipe has no dataset_name"), "sft", "--model", base);
    }

    @Test
    void recipes() throws IOException {
        var recipe = directory.resolve("recipe.yaml");
        fails(said(recipe, "no such recipe"), "sft", recipe);
        Files.writeString(recipe, "learning_rate: [1");
        fails(said(recipe, "not readable as YAML", "line"), "sft", recipe);
        Files.writeString(recipe, "- learning_rate\n");
        fails(said(recipe, "expected keys with values"), "sft", recipe);
        Files.writeString(recipe, "r: 4\nlearning_rate: 1\nr: 8\n");
        fails(said(recipe, "not readable as YAML", "Duplicate", "\"r\" at line 3"), "sft", recipe);
        Files.writeString(recipe, "model: a\nmodel_name_or_path: b\n");
        fails(said(recipe + ": model and model_name_or_path are one key; leave one out"), "sft", recipe);
        Files.writeString(recipe, "learning_rat: 1\n");
        fails(said(recipe, "did you mean 'learning_rate'?"), "sft", recipe);
    }

    @Test
    void memory() throws IOException {
        sftFails(said("max_memory: expected a size such as 24GiB", "found \"much\""), "max_memory=much");
        fails(said("--memory: expected a size such as 24GiB", "found \"0\""), "plan", "--model", base, "--memory", "0");
        sftFails(said("gradient_checkpointing: expected true, false or auto"), "gradient_checkpointing=maybe");
        sftFails(said("the run needs", "max_memory is 50 MiB: weights"), "max_memory=50MiB", "gradient_checkpointing=auto");
        for (var command : List.of("bench", "plan")) {
            fails(said("--sequence: 65 tokens are more than the 64 positions of " + base), command, "--model", base, "--sequence", "65");
        }
        var greedy = Sartor.run("sft", "--model", base, "--data", data, "--output", directory.resolve("greedy"), "--set", "max_steps=1",
                "--set", "max_length=64", "--set", "max_memory=999TiB");
        assertTrue(greedy.out().contains("max_memory is 1,047,527,424 MiB, and this machine has "), greedy.toString());
        var roomy = Sartor.run("sft", "--model", base, "--data", data, "--output", directory.resolve("roomy"), "--set", "max_steps=1",
                "--set", "max_length=64", "--set", "max_memory=4GiB");
        assertTrue(roomy.out().contains("recomputation: none, because 4,096 MiB are there"), roomy.toString());
    }

    /** A checkpoint with a NaN in it is not answered with NaN. */
    @Test
    void brokenWeights() throws IOException {
        var broken = directory.resolve("broken");
        Files.createDirectories(broken);
        for (var name : List.of("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")) {
            Files.copy(base.resolve(name), broken.resolve(name));
        }
        var file = broken.resolve("model.safetensors");
        var bytes = Files.readAllBytes(file);
        // The last four bytes are of some weight; all ones are a NaN.
        Arrays.fill(bytes, bytes.length - 4, bytes.length, (byte) 0xff);
        Files.write(file, bytes);
        var input = directory.resolve("tokens.safetensors");
        SafetensorsWriter.write(input, List.of(TensorSource.of("input_ids", TensorSpec.of(DType.INT64, 1, 4), new int[] {5, 6, 7, 8})));
        var named = said(file + ": tensor '", " is NaN", "expected a finite number; the checkpoint is broken");
        fails(named, "generate", "--model", broken, "--prompt", "Nell");
        fails(named, "eval", "--model", broken, "--data", data, "--set", "max_length=64");
        fails(named, "sft", "--model", broken, "--data", data, "--output", directory.resolve("of-broken"), "--set", "max_length=64");
        fails(named, "quantize", "--model", broken, "--output", directory.resolve("of-broken"), "--set", "quantization=nf4");
        fails(said(broken, "are not finite", "NaN or infinity", "check the checkpoint"), "forward", "--model", broken, "--input", input,
                "--output", directory.resolve("logits.safetensors"));
    }

    @Test
    void wrongUsage() {
        assertEquals(2, Sartor.run("eval").status());
        assertEquals(2, Sartor.run("sft", "--no-such-option").status());
        assertEquals(2, Sartor.run().status());
    }

    @Test
    void models() {
        var nowhere = directory.resolve("nowhere");
        for (var command : new String[] {"eval", "generate", "sft", "plan", "bench"}) {
            var arguments = command.equals("eval") || command.equals("sft")
                    ? new Object[] {command, "--model", nowhere, "--data", data, command.equals("sft") ? "--output" : "--adapter", directory.resolve("o")}
                    : new Object[] {command, "--model", nowhere};
            fails(said(nowhere + ": no such model directory"), arguments);
        }
    }

    @Test
    void adapters() throws IOException {
        fails(said(base, "it holds a whole model, not an adapter"), "eval", "--model", base, "--adapter", base, "--data", data, "--set",
                "max_length=64");
        var adapter = directory.resolve("adapter");
        assertEquals(0, Sartor.run("sft", "--model", base, "--data", data, "--output", adapter, "--set", "max_steps=1", "--set",
                "max_length=64", "--set", "r=2").status());
        var bare = Sartor.bareModel(directory.resolve("wide-bare"));
        Files.writeString(bare.resolve("config.json"), Files.readString(bare.resolve("config.json"))
                .replace("\"hidden_size\": 32", "\"hidden_size\": 64"));
        fails(said("lora_A", "[2, 32]", "[2, 64]", "is it an adapter of this model?"), "generate", "--model", pretrain("wide", bare),
                "--adapter", adapter, "--prompt", "hi");
        // What is read is never written to, whatever somebody says.
        for (var input : List.of(base, adapter)) {
            fails(said(input, input == base ? "is the base model's own directory" : "is the adapter's own directory"), "merge", "--model",
                    base, "--adapter", adapter, "--output", input, "--set", "overwrite_output_dir=true");
        }
        var run = Files.createDirectory(directory.resolve("of-an-earlier-run"));
        var notes = Files.writeString(run.resolve("notes.txt"), "mine");
        var link = Files.createSymbolicLink(directory.resolve("link"), run);
        for (var output : List.of(run, link)) {
            fails(said(output + ": is not empty, it holds notes.txt", "overwrite_output_dir=true"), "merge", "--model", base, "--adapter",
                    adapter, "--output", output);
        }
        assertEquals(0, Sartor.run("merge", "--model", base, "--adapter", adapter, "--output", link, "--set",
                "overwrite_output_dir=true").status());
        assertTrue(Files.isSymbolicLink(link) && Files.exists(run.resolve("model.safetensors")));
        assertEquals("mine", Files.readString(notes));
    }

    @Test
    void rows() throws IOException {
        var rows = Files.writeString(directory.resolve("bad.jsonl"), """
                {"prompt": "Who?", "completion": " Nell."}
                {"prompt": "What?", "completion": 5}
                {"prompt": "Broken
                """);
        fails(said("2 of 3 rows cannot be used", rows + ":2: completion: expected a string, found a number", rows + ":3: ", "bad_rows=skip"),
                "sft", "--model", base, "--data", rows, "--output", directory.resolve("out"));
        var skipped = Sartor.run("sft", "--model", base, "--data", rows, "--output", directory.resolve("skipped"), "--set",
                "bad_rows=skip", "--set", "max_steps=1");
        assertEquals(0, skipped.status(), skipped.toString());
        assertTrue(skipped.out().contains("2 rows left out") && skipped.out().contains(rows + ":2: completion"), skipped.out());
        var empty = Files.writeString(directory.resolve("empty.jsonl"), "");
        fails(said(empty + ": no rows"), "eval", "--model", base, "--data", empty);
        var nothing = Files.writeString(directory.resolve("empty.txt"), "");
        fails(said(nothing + ": 0 tokens are too few"), "sft", "--model", base, "--data", nothing, "--output", directory.resolve("out"));
        fails(said(directory.resolve("no.jsonl") + ": no such file"), "eval", "--model", base, "--data", directory.resolve("no.jsonl"));
        sftFails(said("has anything left to learn", "raise max_length", "truncation_mode=keep_end"), "max_length=2", "assistant_only_loss=true");
    }

    /** Tokens and lengths that a model was not made for never reach its kernels. */
    @Test
    void dataThatDoNotFitTheModel() throws IOException {
        var text = directory.resolve("prose.txt");
        fails(said("max_length: the data's longest sample has 128 tokens, the model was made for 64"), "sft", "--model", base, "--data",
                text, "--output", directory.resolve("out"), "--set", "max_length=128");
        fails(said("set max_length=64 or less"), "eval", "--model", base, "--data", text, "--set", "max_length=65");
        assertEquals(0, Sartor.run("eval", "--model", base, "--data", text, "--set", "max_length=64").status());
        fails(said("leave no room in the model's 64 positions"), "generate", "--model", base, "--prompt", Files.readString(text));
        var bare = Sartor.bareModel(directory.resolve("small-bare"));
        Files.writeString(bare.resolve("config.json"), Files.readString(bare.resolve("config.json"))
                .replace("\"vocab_size\": 2048", "\"vocab_size\": 300"));
        var recipe = Files.writeString(directory.resolve("small.yaml"), """
                {model_name_or_path: %s, dataset_name: %s, output_dir: %s, max_length: 16, max_steps: 1}
                """.formatted(bare, text, directory.resolve("small")));
        fails(said("the model's vocabulary ends at 299", "do not belong together"), "pretrain", recipe);
    }

    /** Results of an earlier run are neither lost nor mixed with unless somebody says so. */
    @Test
    void earlierRuns() throws IOException {
        var output = directory.resolve("earlier");
        var run = new ArrayList<Object>(List.of("sft", "--model", base, "--data", data, "--output", output, "--set", "max_steps=2",
                "--set", "max_length=64", "--set", "r=2"));
        assertEquals(0, Sartor.run(run.toArray()).status());
        var adapter = output.resolve("adapter_model.safetensors");
        byte[] first = Files.readAllBytes(adapter);
        run.addAll(List.of("--set", "seed=5"));
        fails(said("output directory " + output + ": is not empty, it holds README.md, adapter_config.json, adapter_model.safetensors and ",
                "choose another directory", "overwrite_output_dir=true"), run.toArray());
        assertArrayEquals(first, Files.readAllBytes(adapter));
        run.addAll(List.of("--set", "overwrite_output_dir=true"));
        run.addAll(List.of("--set", "save_steps=1"));
        assertEquals(0, Sartor.run(run.toArray()).status());
        assertFalse(Arrays.equals(first, Files.readAllBytes(adapter)));
        assertFalse(Files.exists(output.resolve(".lock")));
        try (var lock = DirectoryLock.of(output)) {
            fails(said(output + ": another run is writing there"), run.toArray());
        }
        run.addAll(List.of("--set", "max_steps=1"));
        var again = Sartor.run(run.toArray());
        assertTrue(again.out().contains("overwrite_output_dir: 2 checkpoints of an earlier run deleted"), again.toString());
        assertTrue(Files.exists(output.resolve("checkpoint-1")) && !Files.exists(output.resolve("checkpoint-2")));
        run.addAll(List.of("--set", "resume_from_checkpoint=latest"));
        fails(said("overwrite_output_dir: replaces an earlier run", "leave one out"), run.toArray());
        fails(said("output directory " + base + ": is the base model's own directory"), "sft", "--model", base, "--data", data, "--output", base,
                "--set", "peft_type=none", "--set", "overwrite_output_dir=true");
    }

    /** Refused runs leave nothing behind, and what a killed one left half written goes. */
    @Test
    void leftovers() throws IOException {
        var output = directory.resolve("deep/er/refused");
        var arguments = List.of("sft", "--model", base.toString(), "--data", data.toString(), "--output", output.toString(), "--set",
                "max_length=64", "--set", "max_steps=1");
        fails(said("target_modules"), Stream.concat(arguments.stream(), Stream.of("--set", "target_modules=nothing")).toArray());
        assertFalse(Files.exists(directory.resolve("deep")));
        Files.createDirectories(output.resolve(".checkpoint-5.0123abcd.tmp"));
        Files.writeString(output.resolve(".checkpoint-5.0123abcd.tmp/state.safetensors"), "half");
        Files.writeString(output.resolve(".README.md.89abcdef.tmp"), "half");
        var done = Sartor.run(arguments.toArray());
        assertEquals(0, done.status(), done.toString());
        assertTrue(done.out().contains("deleted " + output.resolve(".README.md.89abcdef.tmp")), done.toString());
        try (var files = Files.list(output)) {
            assertEquals(List.of(), files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(".")).toList());
        }
    }

    @Test
    void brokenTrainerState() throws IOException {
        var output = directory.resolve("with-state");
        var run = new Object[] {"sft", "--model", base, "--data", data, "--output", output, "--set", "max_steps=2", "--set", "max_length=64",
            "--set", "save_steps=1"};
        assertEquals(0, Sartor.run(run).status());
        var state = output.resolve("checkpoint-1/trainer_state.json");
        Files.writeString(state, "{\"global_step\": 1,");
        var resume = Stream.concat(Stream.of(run), Stream.of("--set", "resume_from_checkpoint=" + output.resolve("checkpoint-1"))).toArray();
        fails(said(state + " (line 1, column ", "not valid JSON: Unexpected end-of-input"), resume);
        assertFalse(Sartor.run(resume).err().contains("Source"), Sartor.run(resume).err());
    }

    @Test
    void runsThatCannotBe() throws IOException {
        sftFails(said("the loss is NaN", "at model.layers.0.", "made the first NaN or infinity", "Nothing was updated", "learning_rate"),
                "learning_rate=1e30", "lr_scheduler_type=constant", "max_grad_norm=0");
        sftFails(said("the run needs", "this machine has", "activations", "per_device_train_batch_size"),
                "per_device_train_batch_size=10000000");
        var file = Files.writeString(directory.resolve("file"), "");
        fails(said(file + ": is there already, and no directory"), "sft", "--model", base, "--data", data, "--output", file);
    }
}
