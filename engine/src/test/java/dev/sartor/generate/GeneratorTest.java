package dev.sartor.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.Devices;
import dev.sartor.device.Device;
import dev.sartor.io.Json;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.peft.TinyModels;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.text.TinyTokenizers;
import dev.sartor.text.Tokenizer;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GeneratorTest {
    private static final int VOCABULARY = 262;
    private static final Set<String> MIXTURES = Set.of("mixtral", "qwen2_moe", "glm4_moe", "gpt_oss");

    @TempDir
    Path temporary;

    /** A random model with a byte-level tokenizer. */
    private LanguageModel model(Device device, String type) throws IOException {
        var bare = Files.createDirectories(temporary.resolve("bare"));
        var config = MIXTURES.contains(type) ? TinyModels.settings(type) : Json.object();
        config.put("model_type", type).put("vocab_size", VOCABULARY).put("tie_word_embeddings", type.equals("gpt2"))
                .put("initializer_range", 0.3);
        if (MIXTURES.contains(type)) {
            config.put("max_position_embeddings", 192);
        } else if (type.equals("gpt2")) {
            config.put("n_embd", 16).put("n_layer", 2).put("n_head", 2).put("n_positions", 192);
        } else {
            config.put("hidden_size", 16).put("intermediate_size", 24).put("num_hidden_layers", 2).put("num_attention_heads", 2)
                    .put("num_key_value_heads", 1).put("max_position_embeddings", 192);
        }
        if (type.equals("mistral")) {
            config.put("sliding_window", 5);
        }
        Json.write(bare.resolve("config.json"), config);
        var full = temporary.resolve("full");
        try (var fresh = LanguageModel.fresh(device, bare, DType.FLOAT32, true, null, 5)) {
            ModelWriter.write(fresh, full, DType.FLOAT32, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        }
        TinyTokenizers.byteLevel(full, null);
        return LanguageModel.open(device, full, DType.FLOAT32, false);
    }

    private static int[] prompt(int length, int seed) {
        return new Random(seed).ints(length, 0, VOCABULARY).toArray();
    }

    private static List<List<Integer>> generate(LanguageModel model, Sampling sampling, int capacity, int most, int[]... prompts) {
        var made = IntStream.range(0, prompts.length).<List<Integer>>mapToObj(i -> new ArrayList<>()).toList();
        try (var generator = new Generator(model, sampling, prompts.length, capacity)) {
            generator.generate(List.of(prompts), most, (sequence, token) -> {
                made.get(sequence).add(token);
                return false;
            });
        }
        return made;
    }

    /** The most likely successor by a pass over the whole sequence, without a cache. */
    private static int uncached(LanguageModel model, List<Integer> sequence) {
        int[] ids = sequence.stream().mapToInt(Integer::intValue).toArray();
        var batch = TransformersBatch.full(1, ids.length, ids);
        if (model.config().window() > 0) {
            int[] ones = IntStream.range(0, ids.length).map(i -> 1).toArray();
            batch = TransformersBatch.of(1, ids.length, ids, ones, ids, model.config().window());
        }
        try (var workspace = new Workspace(model.device()); var state = new Scope(Scope.Kind.STATE, model.device())) {
            var logits = new LogitsProgram(model, state, workspace, 1, ids.length).run(batch);
            int last = (ids.length - 1) * VOCABULARY;
            return IntStream.range(0, VOCABULARY).reduce(0, (best, v) -> logits[last + v] > logits[last + best] ? v : best);
        }
    }

    private static void checkGreedy(LanguageModel model, int[] prompt, List<Integer> made) {
        var sequence = new ArrayList<>(IntStream.of(prompt).boxed().toList());
        for (int token : made) {
            assertEquals(uncached(model, sequence), token, "after " + sequence.size() + " tokens");
            sequence.add(token);
        }
    }

    @ParameterizedTest
    @CsvSource({"cpu,llama", "reference,llama", "cpu,gpt2", "cpu,mistral", "reference,mistral", "cpu,mixtral",
        "cpu,qwen2_moe", "cpu,glm4_moe", "cpu,gpt_oss", "reference,gpt_oss"})
    void cacheChangesNothing(String name, String type) throws IOException {
        try (var device = Devices.open(name); var model = model(device, type)) {
            int[] prompt = prompt(7, 1);
            var made = generate(model, Sampling.GREEDY, 32, 12, prompt).getFirst();
            assertEquals(12, made.size());
            assertTrue(made.stream().distinct().count() > 3, made.toString());
            checkGreedy(model, prompt, made);
        }
    }

    /** Prompts longer than a piece of prefilling, beside short ones. */
    @Test
    void unevenPromptsTogetherAsOneAtATime() throws IOException {
        try (var device = Devices.open("cpu"); var model = model(device, "llama")) {
            int[][] prompts = {prompt(3, 1), prompt(150, 2), prompt(1, 3), prompt(128, 4), prompt(129, 5), prompt(17, 6)};
            var together = generate(model, Sampling.GREEDY, 192, 10, prompts);
            for (int i = 0; i < prompts.length; i++) {
                assertEquals(generate(model, Sampling.GREEDY, 192, 10, prompts[i]).getFirst(), together.get(i), "prompt " + i);
                checkGreedy(model, prompts[i], together.get(i));
            }
        }
    }

    @Test
    void aSeedGivesTheSameText() throws IOException {
        try (var device = Devices.open("cpu"); var model = model(device, "llama")) {
            int[] prompt = prompt(5, 1);
            var first = generate(model, new Sampling(1, 0, 1, 7), 64, 20, prompt);
            assertEquals(first, generate(model, new Sampling(1, 0, 1, 7), 64, 20, prompt));
            assertNotEquals(first, generate(model, new Sampling(1, 0, 1, 8), 64, 20, prompt));
            assertNotEquals(first, generate(model, Sampling.GREEDY, 64, 20, prompt));
            // One candidate is greedy, however hot.
            assertEquals(generate(model, Sampling.GREEDY, 64, 20, prompt), generate(model, new Sampling(2, 1, 1, 8), 64, 20, prompt));
        }
    }

    @Test
    void endsWhereTheRoomEnds() throws IOException {
        try (var device = Devices.open("cpu"); var model = model(device, "gpt2")) {
            assertEquals(List.of(4, 1), generate(model, Sampling.GREEDY, 8, 100, prompt(4, 1), prompt(7, 2)).stream().map(List::size).toList());
            // The model's last position is used, and no more.
            assertEquals(2, generate(model, Sampling.GREEDY, 192, 100, prompt(190, 1)).getFirst().size());
            assertEquals(0, generate(model, Sampling.GREEDY, 8, 0, prompt(4, 1)).getFirst().size());
            var full = assertThrows(IllegalArgumentException.class, () -> generate(model, Sampling.GREEDY, 8, 1, prompt(8, 1)));
            assertTrue(full.getMessage().contains("8 tokens leaves no room"), full.getMessage());
            var large = assertThrows(IllegalArgumentException.class, () -> generate(model, Sampling.GREEDY, 193, 1, prompt(8, 1)));
            assertTrue(large.getMessage().contains("192 positions"), large.getMessage());
            assertThrows(IllegalArgumentException.class, () -> generate(model, Sampling.GREEDY, 8, 1, new int[0]));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void stopsAtAStopStringOverTokens(int characters) throws IOException {
        try (var device = Devices.open("cpu"); var model = model(device, "llama"); var tokenizer = Tokenizer.open(temporary.resolve("full"));
                var generator = new TextGenerator(model, tokenizer, new Sampling(1, 0, 1, 3), 1, 100)) {
            int[] prompt = tokenizer.encode("hello", false);
            var whole = generator.generate(prompt, 40, List.of(), piece -> {});
            assertTrue(whole.text().length() > 20, whole.text());
            var stop = whole.text().substring(9, 9 + characters);
            int at = whole.text().indexOf(stop);
            var heard = new StringBuilder();
            var stopped = generator.generate(prompt, 40, List.of("never comes", stop), heard::append);
            assertEquals(TextGenerator.Finish.STOP_STRING, stopped.finish());
            assertEquals(whole.text().substring(0, at), stopped.text());
            assertEquals(stopped.text(), heard.toString(), "nothing of the stop string was told");
            assertTrue(stopped.tokens() < whole.tokens());
        }
    }

    /** The first to appear ends the text, not the first in the list. */
    @Test
    void theEarliestStopCounts() throws IOException {
        try (var device = Devices.open("cpu"); var model = model(device, "llama"); var tokenizer = Tokenizer.open(temporary.resolve("full"));
                var generator = new TextGenerator(model, tokenizer, new Sampling(1, 0, 1, 3), 1, 100)) {
            int[] prompt = tokenizer.encode("hello", false);
            var text = generator.generate(prompt, 40, List.of(), piece -> {}).text();
            // Both are complete with the same character.
            var longer = text.substring(8, 11);
            var shorter = text.substring(10, 11);
            int first = Math.min(text.indexOf(longer), text.indexOf(shorter));
            for (var stops : List.of(List.of(longer, shorter), List.of(shorter, longer))) {
                assertEquals(text.substring(0, first), generator.generate(prompt, 40, stops, piece -> {}).text());
            }
            assertThrows(IllegalArgumentException.class, () -> generator.generate(prompt, 4, List.of(""), piece -> {}));
        }
    }
}
