package dev.sartor.peft.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.io.Json;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.nn.Slots;
import dev.sartor.peft.AdapterTensor;
import dev.sartor.peft.Adapters;
import dev.sartor.peft.TargetRule;
import dev.sartor.peft.TinyModels;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Which layers a configuration takes, at which rank and scaling, against a table that Python PEFT made. */
class TargetRuleTest {
    @TempDir
    Path temporary;

    @TestFactory
    Stream<DynamicTest> takesWhatPeftTakes() throws IOException {
        var tests = new ArrayList<DynamicTest>();
        for (var each : TinyModels.table().get("cases")) {
            var name = each.get("model").stringValue() + " " + each.get("config");
            tests.add(DynamicTest.dynamicTest(name, () -> check(each)));
        }
        assertTrue(tests.size() > 40, "the table has only " + tests.size() + " cases");
        return tests.stream();
    }

    private void check(JsonNode expected) throws IOException {
        use(expected.get("model").stringValue(), (adapters, slots) -> {
            var config = config((ObjectNode) expected.get("config"));
            if (expected.has("error")) {
                assertThrows(IllegalArgumentException.class, () -> adapters.add("a", config, false));
                return;
            }
            adapters.add("a", config, false);
            var targets = new TreeMap<String, List<Double>>();
            expected.get("targets").properties().forEach(target -> targets.put(
                    target.getKey(), List.of(target.getValue().get(0).doubleValue(), rounded(target.getValue().get(1).doubleValue()))));
            assertEquals(targets, taken(adapters), "layers with rank and scaling");
            if (expected.has("tensors")) {
                var shapes = new TreeMap<String, String>();
                expected.get("tensors").properties().forEach(each -> shapes.put(each.getKey(), each.getValue().toString()));
                var actual = adapters.parameters("a").stream().collect(Collectors.toMap(
                        Parameter::name, each -> each.value().shape().toString().replace(" ", ""), (a, b) -> a, TreeMap::new));
                assertEquals(shapes, actual, "tensors");
            }
        });
    }

    /** Rank and scaling of each layer with an adapter, from the adapter itself. */
    private static TreeMap<String, List<Double>> taken(Adapters adapters) {
        var taken = new TreeMap<String, List<Double>>();
        adapters.layers("a").forEach((linear, adapter) -> {
            var ranks = adapters.parameters("a").stream()
                    .filter(each -> each.name().equals(AdapterTensor.PREFIX + linear.name() + ".lora_A.weight"))
                    .map(each -> (double) each.value().shape().dim(0))
                    .toList();
            var lora = adapter instanceof DoraAdapter dora ? dora.lora() : (LoraAdapter) adapter;
            taken.put(linear.name(), List.of(ranks.getFirst(), rounded(lora.scaling())));
        });
        return taken;
    }

    private static double rounded(double scaling) {
        return Math.round(scaling * 1e5) / 1e5;
    }

    private static LoraConfig config(ObjectNode settings) throws IOException {
        var json = Json.object().put("peft_type", "LORA").put("r", 4).put("lora_alpha", 8);
        settings.properties().forEach(field -> json.set(field.getKey(), field.getValue()));
        return LoraConfig.read(json, "test");
    }

    private interface Body {
        void run(Adapters adapters, Slots slots) throws IOException;
    }

    private void use(String name, Body body) throws IOException {
        try (var real = new ReferenceDevice();
                var model = LanguageModel.planned(real, TinyModels.config(temporary, name), DType.FLOAT32, false, null);
                var state = new Scope(Scope.Kind.STATE, model.device())) {
            var random = new RandomStream(model.device(), state, 1);
            body.run(new Adapters(model.device(), state, model.slots(), random), model.slots());
        }
    }

    private void refuses(String model, ObjectNode settings, String... parts) throws IOException {
        use(model, (adapters, slots) -> {
            var config = config(settings);
            var error = assertThrows(IllegalArgumentException.class, () -> adapters.add("a", config, false));
            for (var part : parts) {
                assertTrue(error.getMessage().contains(part), () -> "'" + part + "' is not in: " + error.getMessage());
            }
        });
    }

    private static ObjectNode targets(String... names) {
        var json = Json.object();
        var array = json.putArray("target_modules");
        List.of(names).forEach(array::add);
        return json;
    }

    @Test
    void aNameThatTheModelLacksIsAnErrorWithTheNearest() throws IOException {
        refuses("llama", targets("q_proj", "vproj"), "target_modules", "'vproj'", "v_proj", "all-linear");
        var saved = targets("q_proj");
        saved.putArray("modules_to_save").add("lmhead");
        refuses("llama", saved, "modules_to_save", "'lmhead'", "lm_head");
    }

    @Test
    void theOutputHeadIsRefusedWithTheRemedy() throws IOException {
        refuses("llama", targets("lm_head"), "output head", "modules_to_save: [lm_head]");
        refuses("qwen2", targets("q_proj", "lm_head"), "output head", "modules_to_save: [lm_head]");
    }

    @Test
    void anEmbeddingIsRefusedWithTheRemedy() throws IOException {
        refuses("llama", targets("embed_tokens"), "model.embed_tokens", "modules_to_save: [embed_tokens]");
    }

    @Test
    void aNameWrittenAsAnExpressionIsExplained() throws IOException {
        var json = Json.object().put("target_modules", "q_proj");
        refuses("llama", json, "must match whole names", "write [q_proj]");
        refuses("llama", Json.object().put("target_modules", "(q_proj"), "is no regular expression");
    }

    @Test
    void aLayerIsNotBothTargetAndSaved() throws IOException {
        var json = targets("q_proj");
        json.putArray("modules_to_save").add("proj");
        refuses("llama", json, "model.layers.0.self_attn.q_proj", "target_modules means too");
    }

    @Test
    void allLinearIsSavedAsTheShortestListThatSaysTheSame() throws IOException {
        use("gpt2", (adapters, slots) -> {
            var names = TargetRule.condense(slots.blockLinears(), slots).names();
            assertEquals(List.of("c_attn", "c_fc", "c_proj"), names);
            var two = slots.blockLinears().subList(0, 2);
            assertEquals(List.of("transformer.h.0.attn.c_attn", "transformer.h.0.attn.c_proj"),
                    TargetRule.condense(two, slots).names(), "c_proj alone would mean other layers too");
        });
    }
}
