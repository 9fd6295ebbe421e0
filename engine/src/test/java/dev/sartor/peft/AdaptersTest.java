package dev.sartor.peft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.Eager;
import dev.sartor.io.AdapterDirectory;
import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorSource;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Several adapters on one model: making, switching, saving and loading. */
class AdaptersTest {
    @TempDir
    Path temporary;

    static LoraConfig config(String json) throws IOException {
        var node = (ObjectNode) Json.parse(json, "test");
        return LoraConfig.read(node.put("peft_type", "LORA"), "test");
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen2", "gpt2"})
    void savedAndLoadedItIsTheSameBitForBit(String name) throws IOException {
        var saved = name.equals("gpt2") ? "[\"wte\", \"ln_f\", \"h.1.mlp.c_fc\"]" : "[\"lm_head\", \"model.norm\"]";
        var target = name.equals("gpt2") ? "c_attn" : "v_proj";
        try (var tiny = new TinyModel(temporary, name)) {
            var before = tiny.logits();
            tiny.adapters().add("default", config("""
                    {"r": 3, "lora_alpha": 12, "target_modules": ["%s"], "use_dora": true, "bias": "all",
                     "init_lora_weights": false, "modules_to_save": %s, "future_field": 1}""".formatted(target, saved)), true);
            tiny.scramble("default");
            tiny.adapters().activate("default");
            var expected = tiny.logits();
            assertNotEquals(TinyModel.distance(before, expected), 0);
            var folder = tiny.adapters().save("default", temporary.resolve("out"), Map.of("steps", "3"));
            assertEquals(temporary.resolve("out"), folder);
            tiny.adapters().load("again", folder, false);
            assertEquals(values(tiny, "default"), values(tiny, "again"));
            tiny.adapters().activate("again");
            assertArrayEquals(expected, tiny.logits());

            var second = tiny.adapters().save("again", temporary.resolve("twice"), Map.of());
            assertEquals(temporary.resolve("twice/again"), second);
            assertArrayEquals(Files.readAllBytes(folder.resolve("adapter_model.safetensors")),
                    Files.readAllBytes(second.resolve("adapter_model.safetensors")));
            assertEquals(Json.read(folder.resolve("adapter_config.json")), Json.read(second.resolve("adapter_config.json")));
            assertEquals(1, Json.read(folder.resolve("adapter_config.json")).get("future_field").intValue());
        }
    }

    private static Map<String, List<Float>> values(TinyModel tiny, String name) {
        return tiny.adapters().parameters(name).stream().collect(Collectors.toMap(Parameter::name, each -> {
            var list = new ArrayList<Float>();
            for (float value : Eager.floats(tiny.device(), each.value())) {
                list.add(value);
            }
            return list;
        }));
    }

    @Test
    void theSavedConfigurationSaysWhatWasFoundOut() throws IOException {
        try (var tiny = new TinyModel(temporary, "gpt2")) {
            tiny.adapters().add("default", config("{\"r\": 2, \"target_modules\": \"all-linear\"}"), true);
            var folder = tiny.adapters().save("default", temporary.resolve("out"), Map.of());
            var saved = AdapterDirectory.open(folder).config();
            assertEquals("[\"c_attn\",\"c_fc\",\"c_proj\"]", saved.get("target_modules").toString());
            assertTrue(saved.get("fan_in_fan_out").booleanValue());
            assertTrue(saved.get("inference_mode").booleanValue());
            assertEquals("CAUSAL_LM", saved.get("task_type").stringValue());
            assertEquals(tiny.directory().toString(), saved.get("base_model_name_or_path").stringValue());
        }
    }

    @Test
    void switchingChangesWhatIsRecordedNextAndOnlyThat() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            var adapters = tiny.adapters();
            var base = tiny.logits();
            adapters.add("one", config("{\"target_modules\": \"all-linear\"}"), true);
            adapters.add("two", config("{\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"lm_head\", \"embed_tokens\"], \"bias\": \"all\"}"), true);
            assertEquals(Optional.empty(), adapters.active());
            assertArrayEquals(base, tiny.logits(), "an adapter that was only added is not used");
            adapters.activate("one");
            assertArrayEquals(base, tiny.logits(), "a new adapter changes nothing: B is zero");
            tiny.scramble("one");
            tiny.scramble("two");
            var one = tiny.logits();
            var recordedWithOne = tiny.program();
            adapters.activate("two");
            assertEquals(Optional.of("two"), adapters.active());
            var two = tiny.logits();
            assertTrue(TinyModel.distance(base, one) > 1e-2 && TinyModel.distance(base, two) > 1e-2
                    && TinyModel.distance(one, two) > 1e-2, "all three differ");
            assertArrayEquals(one, tiny.run(recordedWithOne), "what was recorded keeps its adapter");
            adapters.deactivate();
            assertArrayEquals(base, tiny.logits());
            adapters.activate("one");
            assertArrayEquals(one, tiny.logits());
            assertThrows(IllegalArgumentException.class, () -> adapters.activate("three"));
            assertThrows(IllegalArgumentException.class, () -> adapters.add("one", config("{}"), true));
        }
    }

    @Test
    void aCopyMadeWhileAnotherAdapterIsActiveIsOfTheBase() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            var base = tiny.logits();
            var saved = config("{\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"lm_head\"]}");
            tiny.adapters().add("one", saved, true);
            tiny.scramble("one");
            tiny.adapters().activate("one");
            tiny.adapters().add("two", saved, true);
            assertEquals(Optional.of("one"), tiny.adapters().active());
            tiny.adapters().activate("two");
            assertArrayEquals(base, tiny.logits());
        }
    }

    @Test
    void valuesAndGradientsLieInOneSpanEach() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            tiny.adapters().add("a", config("{\"r\": 3, \"target_modules\": \"all-linear\"}"), true);
            tiny.adapters().add("b", config("{\"r\": 3, \"target_modules\": \"all-linear\"}"), false);
            var values = tiny.adapters().values("a");
            var gradients = tiny.adapters().gradients("a");
            assertEquals(values.shape(), gradients.shape());
            for (var each : tiny.adapters().parameters("a")) {
                assertEquals(values.storage(), each.value().storage());
                assertEquals(gradients.storage(), each.gradient().storage());
                assertEquals(each.value().offset(), each.gradient().offset());
                assertEquals(0, each.value().offset() % 64);
            }
            assertFalse(tiny.adapters().parameters("b").getFirst().isTrained());
            assertThrows(IllegalArgumentException.class, () -> tiny.adapters().gradients("b"));
        }
    }

    @Test
    void initialValuesDependOnSeedAndNameAlone() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            tiny.adapters().add("all", config("{\"r\": 4, \"target_modules\": \"all-linear\"}"), true);
            tiny.adapters().add("some", config("{\"r\": 4, \"target_modules\": [\"q_proj\"]}"), true);
            var all = values(tiny, "all");
            values(tiny, "some").forEach((key, value) -> assertEquals(all.get(key), value, key));
            var a = all.get("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
            double bound = 1 / Math.sqrt(16);
            assertTrue(a.stream().allMatch(v -> Math.abs(v) <= bound) && a.stream().anyMatch(v -> v > bound / 2)
                    && a.stream().anyMatch(v -> v < -bound / 2), "Kaiming-uniform with a = sqrt(5)");
            assertTrue(all.get("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight").stream().allMatch(v -> v == 0));
            tiny.adapters().add("normal", config("{\"r\": 4, \"target_modules\": \"all-linear\", \"init_lora_weights\": \"gaussian\"}"), true);
            var squares = values(tiny, "normal").entrySet().stream().filter(e -> e.getKey().contains("lora_A"))
                    .flatMap(e -> e.getValue().stream()).mapToDouble(v -> v * v).average().orElseThrow();
            assertEquals(1.0 / 16, squares, 0.01, "variance of a normal with deviation 1 / r");
        }
    }

    @Test
    void aFileThatDoesNotFitIsRefusedWithTheReason() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            tiny.adapters().add("default", config("{\"r\": 2, \"target_modules\": [\"q_proj\"]}"), true);
            var folder = tiny.adapters().save("default", temporary.resolve("out"), Map.of());
            var config = AdapterDirectory.open(folder).config();
            refuses(tiny, folder, config.deepCopy().put("r", 3), "is float32[2, 16]", "ask for [3, 16]");
            var more = config.deepCopy();
            more.putArray("target_modules").add("q_proj").add("v_proj");
            refuses(tiny, folder, more, "tensors that adapter_config.json asks for are missing", "v_proj.lora_A.weight");
            var fewer = config.deepCopy();
            fewer.putArray("target_modules").add("0.self_attn.q_proj");
            refuses(tiny, folder, fewer, "belong to no layer that adapter_config.json names", "layers.1.self_attn.q_proj.lora_A");
            refuses(tiny, folder, config.deepCopy().put("peft_type", "IA3"), "IA3 is not supported");
        }
    }

    private void refuses(TinyModel tiny, Path folder, ObjectNode config, String... parts) throws IOException {
        Json.write(folder.resolve("adapter_config.json"), config);
        var error = assertThrows(FormatException.class, () -> tiny.adapters().load("broken", folder, false));
        for (var part : parts) {
            assertTrue(error.getMessage().contains(part), () -> "'" + part + "' is not in: " + error.getMessage());
        }
        assertFalse(tiny.adapters().names().contains("broken"));
    }

    @Test
    void aFullCopyThatTheConfigurationDoesNotNameIsUsedToo() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            tiny.adapters().add("default", config("{\"r\": 2, \"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"embed_tokens\"]}"), true);
            tiny.scramble("default");
            tiny.adapters().activate("default");
            var expected = tiny.logits();
            var folder = tiny.adapters().save("default", temporary.resolve("out"), Map.of());
            var config = AdapterDirectory.open(folder).config();
            config.putNull("modules_to_save");
            Json.write(folder.resolve("adapter_config.json"), config);
            tiny.adapters().load("extra", folder, true);
            assertTrue(tiny.adapters().parameters("extra").stream().noneMatch(p -> p.name().contains("embed_tokens")),
                    "it is not trained");
            tiny.adapters().activate("extra");
            assertArrayEquals(expected, tiny.logits());
        }
    }

    @Test
    void tensorsCanBeSetFromAnotherFile() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            tiny.adapters().add("default", config("{\"r\": 2, \"target_modules\": [\"q_proj\"]}"), true);
            var file = temporary.resolve("init.safetensors");
            var tensors = tiny.adapters().parameters("default").stream().map(each -> {
                var filled = new float[(int) each.value().shape().elements()];
                Arrays.fill(filled, 0.5f);
                return TensorSource.of("init." + each.name(), new TensorSpec(DType.BFLOAT16, each.value().shape()), filled);
            }).toList();
            SafetensorsWriter.write(file, tensors);
            try (var opened = Safetensors.open(file)) {
                tiny.adapters().set("default", opened, "init.");
                assertThrows(FormatException.class, () -> tiny.adapters().set("default", opened, "other."));
            }
            values(tiny, "default").values().forEach(list -> assertTrue(list.stream().allMatch(v -> v == 0.5f)));
        }
    }
}
