package dev.sartor.upcycle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.Device;
import dev.sartor.io.Json;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.peft.TinyModels;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Dense models turned into mixtures of experts. */
class UpcyclingTest {
    @TempDir
    Path temporary;

    private final Device device = CpuDevice.open(2);

    @AfterEach
    void close() {
        device.close();
    }

    private static Upcycling.Settings settings(int experts, int topK, double noise, double reinit) {
        return new Upcycling.Settings(experts, topK, noise, reinit, 0.5, 0.01, 7);
    }

    private Path upcycled(Path dense, Upcycling.Settings settings) throws IOException {
        var target = temporary.resolve("mixture-" + settings.hashCode());
        Upcycling.write(dense, OutputDirectory.of(target, false), settings, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        return target;
    }

    private float[] logits(Path directory) throws IOException {
        var batch = TransformersBatch.full(2, 16, new Random(1).ints(32, 0, 64).toArray());
        try (var model = LanguageModel.open(device, directory, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            return new LogitsProgram(model, state, workspace, 2, 16).run(batch);
        }
    }

    /** Copies answer as the dense model does, to the rounding of sums in another order. */
    @ParameterizedTest
    @CsvSource({"llama, mixtral, 8, 2", "llama, mixtral, 3, 3", "mistral, mixtral, 4, 1", "qwen3, qwen3_moe, 4, 2"})
    void copiesComputeWhatTheDenseModelDoes(String name, String type, int experts, int topK) throws IOException {
        var dense = TinyModels.weights(device, temporary, name, DType.FLOAT32);
        var mixture = upcycled(dense, settings(experts, topK, 0, 0));
        assertEquals(type, Json.read(mixture.resolve("config.json")).get("model_type").stringValue());
        var expected = logits(dense);
        var actual = logits(mixture);
        double scale = 0;
        for (float logit : expected) {
            scale = Math.max(scale, Math.abs(logit));
        }
        assertArrayEquals(expected, actual, (float) (2e-6 * scale));
        try (var model = LanguageModel.open(device, mixture, DType.FLOAT32, false)) {
            assertEquals(2, model.lm().mixtures().size());
            assertEquals(topK, model.lm().mixtures().getFirst().router().routing().topK());
            assertEquals(0.01f, model.config().routers().auxLossCoef());
        }
    }

    /** Settings that Mixtral takes otherwise where config.json does not say them, and scaled positions. */
    @Test
    void whatIsTakenForGrantedIsWrittenOut() throws IOException {
        var dense = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var file = dense.resolve("config.json");
        var config = Json.readObject(file);
        config.remove("num_key_value_heads");
        config.remove("max_position_embeddings");
        config.put("num_attention_heads", 1);
        var rope = config.putObject("rope_scaling");
        rope.put("rope_type", "llama3").put("factor", 4.0).put("low_freq_factor", 1.0).put("high_freq_factor", 4.0)
                .put("original_max_position_embeddings", 8);
        rewriteHeads(dense, config);
        Json.write(file, config);
        var mixture = upcycled(dense, settings(4, 2, 0, 0));
        var made = Json.readObject(mixture.resolve("config.json"));
        assertEquals(10000, made.get("rope_theta").doubleValue());
        assertEquals(1, made.get("num_key_value_heads").intValue());
        assertEquals(16, made.get("head_dim").intValue());
        assertEquals(1e-6, made.get("rms_norm_eps").doubleValue());
        assertEquals(2048, made.get("max_position_embeddings").intValue());
        assertArrayEquals(logits(dense), logits(mixture), 1e-5f);
    }

    /** One head as wide as two. */
    private void rewriteHeads(Path directory, ObjectNode config) throws IOException {
        var bare = Files.createDirectories(temporary.resolve("one-head"));
        Json.write(bare.resolve("config.json"), config);
        try (var model = LanguageModel.fresh(device, bare, DType.FLOAT32, true, null, 3)) {
            dev.sartor.model.ModelWriter.write(model, directory, DType.FLOAT32, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        }
    }

    @Test
    void noiseIsInUnitsOfTheWeights() throws IOException {
        var dense = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var mixture = upcycled(dense, settings(4, 2, 0.1, 0));
        try (var before = Safetensors.open(dense); var after = Safetensors.open(mixture)) {
            float[] weight = before.floats("model.layers.1.mlp.up_proj.weight");
            float[] first = after.floats("model.layers.1.block_sparse_moe.experts.0.w3.weight");
            float[] second = after.floats("model.layers.1.block_sparse_moe.experts.1.w3.weight");
            assertEquals(0.1, distance(weight, first) / norm(weight), 0.01);
            assertEquals(0.1 * Math.sqrt(2), distance(first, second) / norm(weight), 0.015);
            assertArrayEquals(before.floats("model.norm.weight"), after.floats("model.norm.weight"));
        }
    }

    @Test
    void partOfTheInnerFeaturesStartsAnew() throws IOException {
        var dense = TinyModels.weights(device, temporary, "llama", DType.BFLOAT16);
        var mixture = upcycled(dense, settings(4, 2, 0, 0.25));
        try (var before = Safetensors.open(dense); var after = Safetensors.open(mixture)) {
            var expert = "model.layers.0.block_sparse_moe.experts.2.";
            assertEquals(DType.BFLOAT16, after.spec(expert + "w1.weight").dtype());
            // [24, 16], [24, 16] and [16, 24]: a quarter of 24 features, the same in each.
            boolean[] gate = changed(before.floats("model.layers.0.mlp.gate_proj.weight"), after.floats(expert + "w1.weight"), 16, false);
            boolean[] up = changed(before.floats("model.layers.0.mlp.up_proj.weight"), after.floats(expert + "w3.weight"), 16, false);
            boolean[] down = changed(before.floats("model.layers.0.mlp.down_proj.weight"), after.floats(expert + "w2.weight"), 24, true);
            int count = 0;
            for (boolean each : gate) {
                count += each ? 1 : 0;
            }
            assertEquals(6, count);
            assertArrayEquals(gate, up);
            assertArrayEquals(gate, down);
            assertNotEquals(-1, after.data(expert + "w1.weight").mismatch(after.data(expert.replace("2", "3") + "w1.weight")));
        }
    }

    /** Features of which every element is another; those of which only some are fail. */
    private static boolean[] changed(float[] before, float[] after, int columns, boolean byColumn) {
        int rows = before.length / columns;
        var changed = new boolean[byColumn ? columns : rows];
        for (int feature = 0; feature < changed.length; feature++) {
            int count = 0;
            int other = byColumn ? rows : columns;
            for (int i = 0; i < other; i++) {
                int at = byColumn ? i * columns + feature : feature * columns + i;
                count += before[at] == after[at] ? 0 : 1;
            }
            assertTrue(count == 0 || count > other - 3, "feature " + feature + ": " + count + " of " + other);
            changed[feature] = count > 0;
        }
        return changed;
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.pow((double) a[i] - b[i], 2);
        }
        return Math.sqrt(sum);
    }

    private static double norm(float[] a) {
        return distance(a, new float[a.length]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"attention_bias", "mlp_bias"})
    void biasesHaveNoPlaceInMixtral(String bias) throws IOException {
        refuses("llama", config -> config.put(bias, true), bias + ": true, but Mixtral's layers have no biases");
    }

    @Test
    void whatNoMixtureCanExpressIsRefused() throws IOException {
        refuses("qwen2", config -> { }, "Qwen2's biases");
        refuses("gpt2", config -> { }, "'gpt2' is none of llama, mistral, qwen3");
        refuses("qwen3", config -> config.put("use_sliding_window", true), "use_sliding_window");
        refuses("llama", config -> config.put("intermediate_size", 20), "but config.json asks for floats [20, 16]");
        var dense = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var few = assertThrows(IllegalArgumentException.class, () -> upcycled(dense, settings(2, 3, 0, 0)));
        assertTrue(few.getMessage().contains("2 experts, of which 3 a token"), few.getMessage());
        assertThrows(IllegalArgumentException.class, () -> settings(2, 1, 0, 1.5));
    }

    private interface Change {
        void of(ObjectNode config);
    }

    private void refuses(String name, Change change, String message) throws IOException {
        var dense = TinyModels.weights(device, temporary.resolve(name + message.hashCode()), name, DType.FLOAT32);
        var config = Json.readObject(dense.resolve("config.json"));
        change.of(config);
        Json.write(dense.resolve("config.json"), config);
        var refusal = assertThrows(Exception.class, () -> upcycled(dense, settings(4, 2, 0, 0)));
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }
}
