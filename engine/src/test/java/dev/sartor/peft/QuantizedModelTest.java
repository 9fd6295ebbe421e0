package dev.sartor.peft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Eager;
import dev.sartor.device.QuantType;
import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.model.QuantizedModelWriter;
import dev.sartor.model.Recompute;
import dev.sartor.nn.Linear;
import dev.sartor.nn.RandomStream;
import dev.sartor.quant.DenseWeight;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.quant.QuantizedWeight;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.LossProgram;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Quantized models: loaded, written, tuned and merged, against the same model with its weights dequantized. */
class QuantizedModelTest {
    private static final long SHARD = 1L << 30;
    private static final String LORA = "{\"r\": 3, \"target_modules\": \"all-linear\", \"bias\": \"all\"}";
    private static final String DORA = "{\"r\": 3, \"target_modules\": [\"%s\"], \"use_dora\": true, \"modules_to_save\": [\"%s\"]}";

    @TempDir
    Path temporary;

    private final Device device = CpuDevice.open(2);

    @AfterEach
    void close() {
        device.close();
    }

    /** A model with a scrambled adapter: logits, loss and gradients. */
    private record Answers(float[] logits, double loss, List<float[]> gradients) {}

    private Answers answers(LanguageModel model, String adapter) throws IOException {
        var batch = TransformersBatch.full(2, 6, new Random(1).ints(12, 0, 64).toArray());
        try (var state = new Scope(Scope.Kind.STATE, device); var workspace = new Workspace(device)) {
            var adapters = adapted(model, state, adapter);
            float[] logits = new LogitsProgram(model, state, workspace, 2, 6).run(batch);
            var program = new LossProgram(model, workspace, 2, 6, true, Recompute.NONE);
            double loss = program.run(batch, 1).sum();
            var gradients = new ArrayList<float[]>();
            adapters.parameters("default").forEach(each -> gradients.add(Eager.floats(device, each.gradient())));
            adapters.deactivate();
            return new Answers(logits, loss, gradients);
        }
    }

    private Adapters adapted(LanguageModel model, Scope state, String adapter) throws IOException {
        var adapters = new Adapters(device, state, model.slots(), new RandomStream(device, state, 9));
        adapters.add("default", AdaptersTest.config(adapter), true);
        var random = new Random(8);
        for (var parameter : adapters.parameters("default")) {
            var values = Eager.floats(device, parameter.value());
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) (0.1 * random.nextGaussian());
            }
            try (var arena = Arena.ofConfined()) {
                device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), parameter.value());
            }
        }
        adapters.activate("default");
        return adapters;
    }

    private LanguageModel open(Path directory, QuantizationConfig config) throws IOException {
        return LanguageModel.open(device, directory, DType.FLOAT32, false, config);
    }

    @ParameterizedTest
    @CsvSource({"llama,NF4,true", "llama,INT8,false", "gpt2,NF4,false", "gpt2,INT8,false", "qwen3,FP4,true"})
    void asTheSameModelDequantized(String name, QuantType type, boolean twice) throws IOException {
        var base = TinyModels.weights(device, temporary, name, DType.FLOAT32);
        var config = QuantizationConfig.of(type, twice);
        var dense = temporary.resolve("dense");
        var dora = DORA.formatted(name.equals("gpt2") ? "c_attn" : "q_proj", name.equals("gpt2") ? "mlp.c_fc" : "up_proj");
        try (var quantized = open(base, config)) {
            assertEquals(config, quantized.quantization().orElseThrow());
            for (var linear : quantized.lm().blockLinears()) {
                assertInstanceOf(QuantizedWeight.class, linear.weight(), linear.name());
            }
            assertInstanceOf(DenseWeight.class, quantized.lm().head().weight());
            ModelWriter.write(quantized, dense, DType.FLOAT32, SHARD);
            try (var same = LanguageModel.open(device, dense, DType.FLOAT32, false)) {
                for (var adapter : List.of(LORA, dora)) {
                    same(answers(same, adapter), answers(quantized, adapter));
                }
            }
        }
        try (var file = Safetensors.open(dense); var before = Safetensors.open(base)) {
            var key = name.equals("gpt2") ? "transformer.h.0.mlp.c_fc.weight" : "model.layers.0.mlp.up_proj.weight";
            assertTrue(file.data(key).mismatch(before.data(key)) >= 0, "quantizing changes weights");
        }
    }

    private static void same(Answers expected, Answers actual) {
        assertArrayEquals(expected.logits, actual.logits, 1e-4f, "logits");
        assertEquals(expected.loss, actual.loss, 1e-5 * expected.loss, "loss");
        assertEquals(expected.gradients.size(), actual.gradients.size());
        for (int i = 0; i < expected.gradients.size(); i++) {
            float[] gradient = expected.gradients.get(i);
            double norm = 0;
            double difference = 0;
            for (int j = 0; j < gradient.length; j++) {
                norm += (double) gradient[j] * gradient[j];
                difference += Math.pow(gradient[j] - actual.gradients.get(i)[j], 2);
            }
            assertTrue(difference <= 1e-10 * norm + 1e-14, "gradient " + i + ": " + Math.sqrt(difference / norm));
        }
    }

    @ParameterizedTest
    @CsvSource({"llama,NF4,true", "llama,FP4,false", "gpt2,NF4,true", "gpt2,INT8,false", "qwen2,INT8,false", "mixtral,NF4,true", "qwen2_moe,INT8,false"})
    void writtenAndReadIsQuantizedOnLoad(String name, QuantType type, boolean twice) throws IOException {
        var base = TinyModels.weights(device, temporary, name, DType.BFLOAT16);
        var config = QuantizationConfig.of(type, twice);
        var target = temporary.resolve("quantized");
        var report = QuantizedModelWriter.write(device, base, OutputDirectory.of(target, false), config, SHARD);
        assertTrue(report.worst().orElseThrow().error() < 0.2 && report.mean() > 1e-3, report.toString());
        try (var loaded = open(base, config); var read = open(target, null); var asked = open(target, config)) {
            var quantized = loaded.lm().modules().stream()
                    .filter(module -> module instanceof Linear linear && !(linear.weight() instanceof DenseWeight)).toList();
            assertTrue(quantized.size() >= 8);
            assertEquals(quantized.size(), report.modules().size());
            assertEquals(config, read.quantization().orElseThrow());
            var expected = answers(loaded, LORA);
            assertArrayEquals(expected.logits, answers(read, LORA).logits, type == QuantType.INT8 ? 0.1f : 0);
            assertArrayEquals(answers(read, LORA).logits, answers(asked, LORA).logits);
            assertEquals(expected.loss, answers(read, LORA).loss, 0.01 * expected.loss);
        }
        var other = assertThrows(IllegalArgumentException.class,
                () -> open(target, QuantizationConfig.of(type == QuantType.FP4 ? QuantType.NF4 : QuantType.FP4, false)));
        assertTrue(other.getMessage().contains("is quantized already (" + config.describe() + ")"), other.getMessage());
        var again = assertThrows(IllegalArgumentException.class,
                () -> QuantizedModelWriter.write(device, target, OutputDirectory.of(temporary.resolve("again"), false), config, SHARD));
        assertTrue(again.getMessage().contains("quantize the model that it was made from"), again.getMessage());
    }

    /** Whatever else is in a directory outlives a model that is written into it. */
    @Test
    void deletesNothing() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.BFLOAT16);
        var config = QuantizationConfig.of(QuantType.NF4, false);
        var around = assertThrows(IllegalArgumentException.class,
                () -> QuantizedModelWriter.write(device, base, OutputDirectory.of(base.getParent(), true), config, SHARD));
        assertTrue(around.getMessage().contains("or one around it"), around.getMessage());
        var target = Files.createDirectory(temporary.resolve("run"));
        Files.writeString(target.resolve("config.json"), "{}");
        Files.writeString(Files.createDirectory(target.resolve("checkpoint-5")).resolve("state.safetensors"), "state");
        var refused = assertThrows(IllegalArgumentException.class,
                () -> QuantizedModelWriter.write(device, base, OutputDirectory.of(target, false), config, SHARD));
        assertTrue(refused.getMessage().contains("it holds checkpoint-5, config.json;"), refused.getMessage());
        assertEquals("{}", Files.readString(target.resolve("config.json")));
        QuantizedModelWriter.write(device, base, OutputDirectory.of(target, true), config, SHARD);
        assertEquals("state", Files.readString(target.resolve("checkpoint-5").resolve("state.safetensors")));
        try (var read = open(target, null)) {
            assertEquals(config, read.quantization().orElseThrow());
        }
    }

    @ParameterizedTest
    @CsvSource({"llama,NF4", "gpt2,NF4", "llama,INT8", "qwen2_moe,NF4", "qwen2_moe,INT8"})
    void mergedAsTrained(String name, QuantType type) throws IOException {
        var base = TinyModels.weights(device, temporary, name, DType.BFLOAT16);
        var config = QuantizationConfig.of(type, false);
        var quantized = temporary.resolve("quantized");
        QuantizedModelWriter.write(device, base, OutputDirectory.of(quantized, false), config, SHARD);
        var saved = name.equals("gpt2") ? "h.1.mlp.c_fc" : "layers.1.mlp.up_proj";
        for (var adapter : List.of(LORA, DORA.formatted(name.equals("gpt2") ? "c_attn" : "q_proj", saved))) {
            for (boolean stored : new boolean[] {true, false}) {
                var target = temporary.resolve("merged" + stored);
                var directory = stored ? quantized : base;
                try (var model = open(directory, stored ? null : config); var state = new Scope(Scope.Kind.STATE, device);
                        var workspace = new Workspace(device)) {
                    var adapters = adapted(model, state, adapter);
                    var batch = TransformersBatch.full(2, 6, new Random(1).ints(12, 0, 64).toArray());
                    float[] expected = new LogitsProgram(model, state, workspace, 2, 6).run(batch);
                    var report = Merge.write(adapters, "default", directory, OutputDirectory.of(target, true), DType.FLOAT32, stored ? base : null, SHARD);
                    try (var merged = LanguageModel.open(device, target, DType.FLOAT32, false)) {
                        assertTrue(merged.quantization().isEmpty());
                        assertArrayEquals(expected, new LogitsProgram(merged, state, workspace, 2, 6).run(batch), 1e-3f);
                    }
                    double lost = report.worstQuantized().orElseThrow().quantization().getAsDouble();
                    assertTrue(type == QuantType.INT8 ? lost > 1e-3 && lost < 0.02 : lost > 0.05 && lost < 0.2, "lost " + lost);
                    var unknown = stored ? Merge.write(adapters, "default", directory, OutputDirectory.of(target, true), null, null, SHARD) : report;
                    assertEquals(!stored, unknown.worstQuantized().isPresent());
                    assertTrue(!stored || unknown.worst().orElseThrow().rounding() > 5e-4, "bfloat16 is what is written unless asked");
                    assertFalse(ModelDirectory.open(target).config().has("quantization_config"));
                }
            }
        }
    }

    /** Adapters of experts whose weights are quantized: merged, they answer as trained; other experts are dequantized. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            NF4 | {"r": 3, "target_modules": ["v_proj"], "target_parameters": ["gate_up_proj", "down_proj"]}
            INT8 | {"r": 3, "target_modules": ["experts.1.gate_proj", "experts.2.down_proj"]}
            """)
    void expertsMergedAsTrained(QuantType type, String adapter) throws IOException {
        var base = TinyModels.weights(device, temporary, "mixtral", DType.FLOAT32);
        var target = temporary.resolve("merged");
        var batch = TransformersBatch.full(2, 6, new Random(1).ints(12, 0, 64).toArray());
        try (var model = open(base, QuantizationConfig.of(type, false)); var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            var plain = new LogitsProgram(model, state, workspace, 2, 6).run(batch);
            var adapters = adapted(model, state, adapter);
            float[] expected = new LogitsProgram(model, state, workspace, 2, 6).run(batch);
            assertTrue(TinyModel.distance(plain, expected) > 1e-2, "the adapter changes something");
            var report = Merge.write(adapters, "default", base, OutputDirectory.of(target, false), DType.FLOAT32, null, SHARD);
            assertEquals(adapters.layers("default").size(), report.modules().size());
            assertEquals(2 * (4 + 4 * 3), report.modules().size() + report.dequantized().size(), "every quantized layer is written");
            try (var merged = LanguageModel.open(device, target, DType.FLOAT32, false)) {
                assertArrayEquals(expected, new LogitsProgram(merged, state, workspace, 2, 6).run(batch), 1e-3f);
            }
        }
    }

    @Test
    void skippedLayersStayDense() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var config = QuantizationConfig.of(QuantType.NF4, false).skipping(List.of("down_proj"));
        var target = temporary.resolve("quantized");
        QuantizedModelWriter.write(device, base, OutputDirectory.of(target, false), config, SHARD);
        var written = Json.read(target.resolve("config.json")).get("quantization_config").get("llm_int8_skip_modules");
        assertEquals("[\"lm_head\",\"down_proj\"]", written.toString());
        try (var loaded = open(base, config); var read = open(target, null)) {
            for (var model : List.of(loaded, read)) {
                for (var linear : model.lm().blockLinears()) {
                    assertEquals(linear.name().endsWith("down_proj"), linear.weight() instanceof DenseWeight, linear.name());
                }
            }
        }
    }

    /** What config.json says of the tensors, and what they are. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "nf4" | "fp4" | is nf4 with double quantization, but config.json's quantization_config says fp4 with double quantization
            "bnb_4bit_use_double_quant":true | "bnb_4bit_use_double_quant":false | is nf4 with double quantization, but config.json's quantization_config says nf4;
            load_in_4bit":true,"load_in_8bit":false | load_in_4bit":false,"load_in_8bit":true | is nf4 with double quantization, but config.json's quantization_config says int8
            "llm_int8_skip_modules":null | "llm_int8_skip_modules":["up_proj"] | is uint8[
            "llm_int8_skip_modules":["lm_head","down_proj"] | "llm_int8_skip_modules":null | is float32[16, 24] without quantization, but
            """)
    void contradictingConfigurationsAreRefused(String before, String after, String said) throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var config = QuantizationConfig.of(QuantType.NF4, true);
        var target = temporary.resolve("quantized");
        QuantizedModelWriter.write(device, base, OutputDirectory.of(target, false), before.contains("down_proj") ? config.skipping(List.of("down_proj")) : config, SHARD);
        open(target, null).close();
        var file = target.resolve("config.json");
        var text = Json.compact(Json.read(file));
        assertTrue(text.contains(before), text);
        Files.writeString(file, text.replace(before, after).replace("_load_in", "ignored"));
        long held = ((CpuDevice) device).allocatedBytes();
        var refusal = assertThrows(IllegalArgumentException.class, () -> open(target, null));
        assertTrue(refusal.getMessage().contains(said) && refusal.getMessage().contains("quantization_config"), refusal.getMessage());
        assertEquals(held, ((CpuDevice) device).allocatedBytes());
    }

    @Test
    void theOriginalMustBeTheModels() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.BFLOAT16);
        var other = TinyModels.weights(device, Files.createDirectory(temporary.resolve("elsewhere")), "gpt2", DType.BFLOAT16);
        var quantized = temporary.resolve("quantized");
        var target = temporary.resolve("merged");
        QuantizedModelWriter.write(device, base, OutputDirectory.of(quantized, false), QuantizationConfig.of(QuantType.NF4, false), SHARD);
        try (var model = open(quantized, null); var dense = open(base, null); var state = new Scope(Scope.Kind.STATE, device)) {
            var adapters = adapted(model, state, LORA);
            var wrong = assertThrows(FormatException.class,
                    () -> Merge.write(adapters, "default", quantized, OutputDirectory.of(target, true), null, other, SHARD));
            assertTrue(wrong.getMessage().contains(other + "/model.safetensors: has no tensor 'model.layers.0.self_attn.q_proj.weight', '")
                    && wrong.getMessage().contains(" and 11 more; is it the unquantized base of this model?"), wrong.getMessage());
            var same = assertThrows(FormatException.class,
                    () -> Merge.write(adapters, "default", quantized, OutputDirectory.of(target, true), null, quantized, SHARD));
            assertTrue(same.getMessage().contains("expected floats") && same.getMessage().contains("is it the unquantized base"), same.getMessage());
            assertFalse(Files.exists(target), "nothing was begun");
            var needless = assertThrows(IllegalArgumentException.class,
                    () -> Merge.write(adapted(dense, state, LORA), "default", base, OutputDirectory.of(target, true), null, base, SHARD));
            assertTrue(needless.getMessage().contains("is not quantized itself"), needless.getMessage());
        }
    }

    /** What a merge that cannot be began is given back. */
    @ParameterizedTest
    @CsvSource({"llama,q_proj,up_proj", "gpt2,attn.c_proj,mlp.c_fc"})
    void mergingGivesMemoryBackWhereItFails(String name, String layer, String other) throws IOException {
        var base = TinyModels.weights(device, temporary, name, DType.FLOAT32);
        try (var model = open(base, null); var state = new Scope(Scope.Kind.STATE, device)) {
            var adapters = adapted(model, state, "{\"r\": 3, \"target_modules\": [\"%s\"], \"use_dora\": true}".formatted(layer));
            var adapter = (MergeableAdapter) adapters.layers("default").values().iterator().next();
            var wrong = model.lm().blockLinears().stream().filter(each -> each.name().endsWith(other)).findFirst().orElseThrow();
            long held = ((CpuDevice) device).allocatedBytes();
            assertThrows(DeviceException.class, () -> adapter.merge(device, wrong.weight().matrix(), false));
            assertEquals(held, ((CpuDevice) device).allocatedBytes());
        }
    }

    @Test
    void quantizedWeightsAreNotTrained() throws IOException {
        var base = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
        var refusal = assertThrows(IllegalArgumentException.class,
                () -> LanguageModel.open(device, base, DType.FLOAT32, true, QuantizationConfig.of(QuantType.NF4, false)));
        assertTrue(refusal.getMessage().contains("train an adapter on it"), refusal.getMessage());
    }
}
