package dev.sartor.peft.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.io.AdapterDirectory;
import dev.sartor.io.Json;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.nn.RandomStream;
import dev.sartor.peft.Adapters;
import dev.sartor.peft.TinyModels;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.LossProgram;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Adapters of mixtures' experts and routers. */
class ExpertLoraTest {
    @TempDir
    Path temporary;

    private final Device device = CpuDevice.open(2);

    @AfterEach
    void close() {
        device.close();
    }

    private interface Body {
        void run(Adapters adapters, Work work) throws IOException;
    }

    /** A Mixtral of two layers with four experts. */
    private record Work(LanguageModel model, Scope state, Workspace workspace) {
        float[] logits() {
            var batch = TransformersBatch.full(2, 6, new Random(1).ints(12, 0, 64).toArray());
            return new LogitsProgram(model, state, workspace, 2, 6).run(batch);
        }

        void train() {
            var batch = TransformersBatch.full(2, 6, new Random(1).ints(12, 0, 64).toArray());
            new LossProgram(model, workspace, 2, 6, true, Recompute.NONE).run(batch, 1);
        }
    }

    private void use(Body body) throws IOException {
        var directory = TinyModels.weights(device, temporary, "mixtral", DType.FLOAT32);
        try (var model = LanguageModel.open(device, directory, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            body.run(new Adapters(device, state, model.slots(), new RandomStream(device, state, 9)), new Work(model, state, workspace));
        }
    }

    private static LoraConfig config(String json) throws IOException {
        return LoraConfig.read(((ObjectNode) Json.parse(json, "test")).put("peft_type", "LORA"), "test");
    }

    /** Names without what stands before the first layer, and shapes in the file. */
    private Map<String, String> tensorsOfFirstLayer(Adapters adapters) throws IOException {
        var folder = adapters.save("default", temporary.resolve("out"), Map.of());
        var shapes = new TreeMap<String, String>();
        try (var file = AdapterDirectory.open(folder).openWeights()) {
            for (var key : file.names()) {
                var prefix = "base_model.model.model.layers.0.";
                if (key.startsWith(prefix)) {
                    shapes.put(key.substring(prefix.length()), file.spec(key).shape().toString());
                }
            }
        }
        return shapes;
    }

    /** The keys and shapes that PEFT 0.21 has of the same configurations. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
            {"target_parameters": ["mlp.experts.gate_up_proj"]} ; {mlp.experts.lora_A.weight=[12, 16], mlp.experts.lora_B.weight=[48, 12]}
            {"target_parameters": ["down_proj"], "target_modules": []} ; {mlp.experts.lora_A.weight=[12, 24], mlp.experts.lora_B.weight=[16, 12]}
            {"target_parameters": ["gate_up_proj", "experts.down_proj"]} ; {mlp.experts.base_layer.lora_A.weight=[12, 16], mlp.experts.base_layer.lora_B.weight=[48, 12], mlp.experts.lora_A.weight=[12, 24], mlp.experts.lora_B.weight=[16, 12]}
            {"target_parameters": ["gate_up_proj"], "rank_pattern": {"experts.gate_up_proj": 2}} ; {mlp.experts.lora_A.weight=[8, 16], mlp.experts.lora_B.weight=[48, 8]}
            {"target_parameters": ["mlp.gate.weight"]} ; {mlp.gate.lora_A.weight=[3, 16], mlp.gate.lora_B.weight=[4, 3]}
            {"target_parameters": ["q_proj.weight"]} ; {self_attn.q_proj.lora_A.weight=[3, 16], self_attn.q_proj.lora_B.weight=[16, 3]}
            {"target_modules": ["gate"]} ; {mlp.gate.lora_A.weight=[3, 16], mlp.gate.lora_B.weight=[4, 3]}
            {"target_modules": ["q_proj"], "modules_to_save": ["gate"]} ; {mlp.gate.weight=[4, 16], self_attn.q_proj.lora_A.weight=[3, 16], self_attn.q_proj.lora_B.weight=[16, 3]}
            {"target_modules": ["q_proj", "gate_proj"]} ; {self_attn.q_proj.lora_A.weight=[3, 16], self_attn.q_proj.lora_B.weight=[16, 3]}
            {"target_modules": ".*(q|gate)_proj"} ; {self_attn.q_proj.lora_A.weight=[3, 16], self_attn.q_proj.lora_B.weight=[16, 3]}
            {"target_modules": ["mlp.experts.3.gate_proj"]} ; {mlp.experts.3.gate_proj.lora_A.weight=[3, 16], mlp.experts.3.gate_proj.lora_B.weight=[24, 3]}
            {"target_modules": ".*experts\\\\.(0|2)\\\\.down_proj"} ; {mlp.experts.0.down_proj.lora_A.weight=[3, 24], mlp.experts.0.down_proj.lora_B.weight=[16, 3], mlp.experts.2.down_proj.lora_A.weight=[3, 24], mlp.experts.2.down_proj.lora_B.weight=[16, 3]}
            """)
    void adaptsWhatIsNamed(String json, String expected) throws IOException {
        use((adapters, work) -> {
            var base = work.logits();
            var settings = (ObjectNode) Json.parse(json, "test");
            adapters.add("default", config(settings.put("r", 3).put("init_lora_weights", false).toString()), true);
            assertEquals(expected, tensorsOfFirstLayer(adapters).toString());
            adapters.activate("default");
            var adapted = work.logits();
            assertTrue(distance(base, adapted) > 1e-4, "the adapter changes something");
            adapters.load("again", temporary.resolve("out"), false);
            adapters.activate("again");
            assertArrayEquals(adapted, work.logits(), "as saved");
            adapters.deactivate();
            assertArrayEquals(base, work.logits(), "the base model alone");
        });
    }

    private static double distance(float[] a, float[] b) {
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    /** Adapters of every single expert, and of fused weights: the same values have the same gradients. */
    @Test
    void gradientsOfSingleExpertsAreThoseOfAll() throws IOException {
        use((adapters, work) -> {
            adapters.add("fused", config("{\"r\": 3, \"target_parameters\": [\"down_proj\"], \"init_lora_weights\": false}"), true);
            adapters.add("single", config("{\"r\": 3, \"target_modules\": \".*experts\\\\.[0-3]\\\\.down_proj\"}"), true);
            copy(adapters);
            adapters.activate("fused");
            var logits = work.logits();
            work.train();
            adapters.activate("single");
            assertArrayEquals(logits, work.logits());
            work.train();
            assertEquals(values(adapters, "fused", true), values(adapters, "single", true));
            assertTrue(values(adapters, "single", true).get("model.layers.0.mlp.experts.lora_B").stream().anyMatch(each -> each != 0));
        });
    }

    /** Gives each expert its share of the fused adapter. */
    private void copy(Adapters adapters) {
        var fused = values(adapters, "fused", false);
        var used = new TreeMap<String, Integer>();
        for (var parameter : adapters.parameters("single")) {
            var all = fused.get(module(parameter));
            int first = used.getOrDefault(module(parameter), 0);
            int count = (int) parameter.value().shape().elements();
            try (var arena = Arena.ofConfined()) {
                var host = arena.allocate(ValueLayout.JAVA_FLOAT, count);
                for (int i = 0; i < count; i++) {
                    host.setAtIndex(ValueLayout.JAVA_FLOAT, i, all.get(first + i));
                }
                device.write(host, parameter.value());
            }
            used.put(module(parameter), first + count);
        }
    }

    /** Values or gradients of all experts, expert by expert. */
    private Map<String, List<Float>> values(Adapters adapters, String name, boolean gradients) {
        return adapters.parameters(name).stream().collect(Collectors.groupingBy(ExpertLoraTest::module, TreeMap::new,
                Collectors.flatMapping(parameter -> {
                    float[] values = Eager.floats(device, gradients ? parameter.gradient() : parameter.value());
                    return java.util.stream.IntStream.range(0, values.length).mapToObj(i -> values[i]);
                }, Collectors.toList())));
    }

    private static String module(Parameter parameter) {
        return parameter.name().replace("base_model.model.", "").replaceFirst("\\.[0-3]\\.down_proj", "").replace(".weight", "");
    }

    @Test
    void warnsWhereExpertsAreLeftOut() throws IOException {
        use((adapters, work) -> {
            adapters.add("all", config("{\"target_modules\": \"all-linear\"}"), false);
            assertEquals(1, adapters.warnings("all").size());
            var warning = adapters.warnings("all").getFirst();
            assertTrue(warning.contains("all 4 experts of 2 layers untouched") && warning.contains("target_parameters: [mlp.experts.gate_up_proj"), warning);
            adapters.add("fused", config("{\"target_modules\": \"all-linear\", \"target_parameters\": [\"down_proj\"]}"), false);
            adapters.add("single", config("{\"target_modules\": [\"experts.0.up_proj\"]}"), false);
            assertEquals(List.of(), adapters.warnings("fused"));
            assertEquals(List.of(), adapters.warnings("single"));
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"target_modules": ["gate_proj"]} | experts are adapted with target_parameters: [mlp.experts.gate_up_proj
            {"target_modules": ["q_proj"], "target_parameters": ["gate_proj"]} | the model has no parameter 'gate_proj'
            {"target_modules": ["experts.0.down_proj"], "target_parameters": ["down_proj"]} | has a layer that target_modules means too
            {"target_modules": ["q_proj"], "target_parameters": ["q_proj.weight"]} | self_attn.q_proj.weight has a layer that target_modules means too
            {"target_modules": ["q_proj"], "target_parameters": ["lm_head.weight"]} | train it whole with modules_to_save
            {"target_modules": ["experts.0.down_proj"], "lora_dropout": 0.1} | lora_dropout: adapters of experts have none
            {"target_modules": ["q_proj", "gate"], "use_dora": true} | use_dora: adapters of routers (model.layers.0.mlp.gate) have none
            {"target_modules": ["q_proj"], "modules_to_save": ["experts"]} | a layer of an expert, which an adapter cannot hold whole
            {"target_modules": ["experts.0.up_proj", "experts.1.up_proj"], "rank_pattern": {"1.up_proj": 2}} | the experts of one layer must have the same
            """)
    void whatCannotBeIsRefused(String json, String message) throws IOException {
        use((adapters, work) -> {
            var refusal = assertThrows(IllegalArgumentException.class, () -> adapters.add("default", config(json), false));
            assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
        });
    }

    /** Nested wrappers of an adapter that another program made without all of them. */
    @ParameterizedTest
    @ValueSource(strings = {"gate_up_proj", "down_proj"})
    void tensorsOfOtherExpertsAreNoAdapter(String parameter) throws IOException {
        use((adapters, work) -> {
            adapters.add("default", config("{\"target_parameters\": [\"gate_up_proj\", \"down_proj\"]}"), false);
            adapters.save("default", temporary.resolve("out"), Map.of());
            var file = temporary.resolve("out/adapter_config.json");
            var changed = Json.readObject(file);
            changed.putArray("target_parameters").add(parameter);
            Json.write(file, changed);
            assertThrows(IOException.class, () -> adapters.load("again", temporary.resolve("out"), false));
        });
    }
}
