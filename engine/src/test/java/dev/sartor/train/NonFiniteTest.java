package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Json;
import dev.sartor.peft.lora.Lora;
import dev.sartor.peft.lora.LoraConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A NaN or infinity ends the run before anything is updated, and is traced to where it began. */
class NonFiniteTest {
    private static final LoraConfig LORA = Lora.rank(4).allLinear().build();

    @TempDir
    Path temporary;

    private Path model;

    @BeforeEach
    void makeModel() throws IOException {
        model = TinyRun.model(temporary);
    }

    private String message(String device) throws IOException {
        try (var run = run(device)) {
            return message(run);
        }
    }

    private TinyRun run(String device) throws IOException {
        return new TinyRun(device, model, LORA, TinyRun.arguments(2, 2, 3, 1, 0), TinyRun.packed(17, 2, 2), List.of(), temporary);
    }

    private static String message(TinyRun run) {
        var before = run.values();
        var failure = assertThrows(TrainingException.class, run.trainer::run);
        assertArrayEquals(before, run.values(), "nothing is updated");
        assertTrue(failure.getMessage().startsWith("step 1, micro-batch 1: "), failure.getMessage());
        assertTrue(failure.getMessage().contains("learning_rate"), failure.getMessage());
        return failure.getMessage();
    }

    /** A packed weight: the first layer that multiplies with it is named. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "reference; mlp.up_proj; mlp.{gate_proj, up_proj}", "cpu; mlp.up_proj; mlp.{gate_proj, up_proj}",
        "cpu; self_attn.v_proj; self_attn.{q_proj, k_proj, v_proj}", "cpu; self_attn.o_proj; self_attn.o_proj"})
    void frozenWeight(String device, String module, String op) throws IOException {
        poisonFile("model.layers.1." + module + ".weight");
        var message = message(device);
        assertTrue(message.contains("LoraLinear at model.layers.1." + op + " made the first NaN or infinity"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void normWeight(String device) throws IOException {
        poisonFile("model.layers.1.post_attention_layernorm.weight");
        var message = message(device);
        assertTrue(message.contains("RmsNorm at model.layers.1.post_attention_layernorm reads (a weight or parameter)"), message);
    }

    /** A trained parameter that is already broken is not blamed on an op. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void trainedParameter(String device) throws IOException {
        try (var run = run(device)) {
            var name = run.poison("layers.1.self_attn.o_proj.lora_A.weight");
            assertTrue(name.contains("layers.1.self_attn.o_proj"), name);
            var message = message(run);
            assertTrue(message.contains("a tensor that LoraLinear at model.layers.1.self_attn.o_proj reads (a weight or parameter)"),
                    message);
        }
    }

    private void poisonFile(String tensor) throws IOException {
        var file = model.resolve("model.safetensors");
        var bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) bytes.getLong(0);
        var tree = Json.parse(new String(bytes.array(), 8, header, StandardCharsets.UTF_8), "header");
        bytes.putFloat(8 + header + tree.get(tensor).get("data_offsets").get(0).asInt(), Float.NaN);
        Files.write(file, bytes.array());
    }
}
