package dev.sartor.upcycle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.Device;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.peft.Adapters;
import dev.sartor.peft.Merge;
import dev.sartor.peft.TinyModels;
import dev.sartor.peft.lora.Lora;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** LoRA adapters of one model that become experts. */
class AdapterMixtureTest {
    private static final long SHARD = SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES;

    @TempDir
    Path temporary;

    private final Device device = CpuDevice.open(2);

    @AfterEach
    void close() {
        device.close();
    }

    /** An adapter that changes something, saved, and the base with it merged. */
    private Path adapter(Path base, String name, Lora lora, long seed) throws IOException {
        var directory = temporary.resolve(name);
        try (var model = LanguageModel.open(device, base, DType.FLOAT32, false); var state = new Scope(Scope.Kind.STATE, device)) {
            var adapters = new Adapters(device, state, model.slots(), new RandomStream(device, state, seed));
            adapters.add("default", lora.set("init_lora_weights", dev.sartor.io.Json.parse("false", "test")).build(), false);
            adapters.save("default", directory, Map.of());
            Merge.write(adapters, "default", base, OutputDirectory.of(temporary.resolve(name + "-merged"), false), null, null, SHARD);
        }
        return directory;
    }

    private float[] logits(Path directory) throws IOException {
        var batch = TransformersBatch.full(2, 16, new Random(1).ints(32, 0, 64).toArray());
        try (var model = LanguageModel.open(device, directory, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            return new LogitsProgram(model, state, workspace, 2, 16).run(batch);
        }
    }

    @Test
    void expertsAreTheMergedNetworksAndAttentionIsTheMean() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var one = adapter(base, "one", Lora.rank(3).targets(List.of("gate_proj", "down_proj", "q_proj")), 1);
        var two = adapter(base, "two", Lora.rank(2).targets(List.of("up_proj", "q_proj")), 2);
        var three = adapter(base, "three", Lora.rank(2).targets(List.of("gate_proj")), 3);
        var target = temporary.resolve("mixture");
        var report = AdapterMixture.write(device, base, List.of(one, two, three), OutputDirectory.of(target, false),
                new AdapterMixture.Settings(2, 0.02, 0.01, 5), SHARD);
        assertEquals(List.of("model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"), report.averaged());
        assertEquals("mixtral", report.modelType());
        try (var before = Safetensors.open(base);
                var first = Safetensors.open(temporary.resolve("one-merged"));
                var second = Safetensors.open(temporary.resolve("two-merged"));
                var made = Safetensors.open(target)) {
            for (var name : Map.of("gate_proj", "w1", "up_proj", "w3", "down_proj", "w2").entrySet()) {
                var dense = "model.layers.1.mlp." + name.getKey() + ".weight";
                var expert = "model.layers.1.block_sparse_moe.experts.%d." + name.getValue() + ".weight";
                assertArrayEquals(first.floats(dense), made.floats(expert.formatted(0)), dense);
                assertArrayEquals(second.floats(dense), made.floats(expert.formatted(1)), dense);
            }
            var query = "model.layers.0.self_attn.q_proj.weight";
            float[] weight = before.floats(query);
            float[] mean = new float[weight.length];
            for (int i = 0; i < mean.length; i++) {
                mean[i] = weight[i] + (first.floats(query)[i] - weight[i] + second.floats(query)[i] - weight[i]) / 3;
            }
            assertArrayEquals(mean, made.floats(query), 1e-6f);
            assertArrayEquals(before.floats("lm_head.weight"), made.floats("lm_head.weight"));
        }
        for (float logit : logits(target)) {
            assertTrue(Float.isFinite(logit));
        }
    }

    /** Whichever two a router chooses, they are one model. */
    @Test
    void adaptersOfOneKindComputeWhatEachDoes() throws IOException {
        var base = TinyModels.weights(device, temporary, "qwen3", DType.FLOAT32);
        var one = adapter(base, "one", Lora.rank(3).allLinear(), 1);
        var target = temporary.resolve("mixture");
        AdapterMixture.write(device, base, List.of(one, one, one), OutputDirectory.of(target, false),
                new AdapterMixture.Settings(2, 1, 0.01, 5), SHARD);
        var expected = logits(temporary.resolve("one-merged"));
        double scale = 0;
        for (float logit : expected) {
            scale = Math.max(scale, Math.abs(logit));
        }
        assertArrayEquals(expected, logits(target), (float) (1e-5 * scale));
    }

    @Test
    void whatCannotBeAnExpertIsRefused() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var plain = adapter(base, "plain", Lora.rank(2).targets(List.of("up_proj")), 1);
        var whole = adapter(base, "whole", Lora.rank(2).targets(List.of("up_proj")).modulesToSave(List.of("lm_head")), 1);
        var settings = new AdapterMixture.Settings(2, 0.02, 0.01, 5);
        var target = OutputDirectory.of(temporary.resolve("mixture"), false);
        var refusal = assertThrows(IllegalArgumentException.class,
                () -> AdapterMixture.write(device, base, List.of(plain, whole), target, settings, SHARD));
        assertTrue(refusal.getMessage().contains("lm_head.weight, which it trained whole"), refusal.getMessage());
        var alone = assertThrows(IllegalArgumentException.class,
                () -> AdapterMixture.write(device, base, List.of(plain), target, settings, SHARD));
        assertTrue(alone.getMessage().contains("1 experts, of which 2 a token"), alone.getMessage());
    }

    /** A mixture with NaN in it is not written, nor one that its own configuration would refuse. */
    @Test
    void brokenAdaptersAndSettingsAreRefused() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var plain = adapter(base, "plain", Lora.rank(2).targets(List.of("up_proj")), 1);
        var broken = adapter(base, "broken", Lora.rank(2).targets(List.of("up_proj")), 1);
        var file = broken.resolve("adapter_model.safetensors");
        var bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, bytes.length - 4, bytes.length, (byte) 0xff);
        Files.write(file, bytes);
        var target = temporary.resolve("mixture");
        var refusal = assertThrows(IOException.class, () -> AdapterMixture.write(device, base, List.of(plain, broken),
                OutputDirectory.of(target, false), new AdapterMixture.Settings(2, 0.02, 0.01, 5), SHARD));
        assertTrue(refusal.getMessage().contains("up_proj.weight: the merged weight has NaN"), refusal.getMessage());
        assertFalse(Files.exists(target));
        assertThrows(IllegalArgumentException.class, () -> new AdapterMixture.Settings(2, Double.NaN, 0.01, 5));
        assertThrows(IllegalArgumentException.class, () -> new AdapterMixture.Settings(2, 0.02, -1, 5));
    }
}
