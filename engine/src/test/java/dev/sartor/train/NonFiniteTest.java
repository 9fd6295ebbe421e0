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

    /** A weight that is broken in its file is named as it is there; no setting of the run would mend it. */
    @ParameterizedTest
    @CsvSource({
        "reference, mlp.up_proj, '0, 0'", "cpu, mlp.up_proj, '0, 0'", "cpu, self_attn.v_proj, '0, 0'",
        "reference, post_attention_layernorm, 0", "cpu, post_attention_layernorm, 0"})
    void frozenWeight(String device, String module, String element) throws IOException {
        var tensor = "model.layers.1." + module + ".weight";
        poisonFile(tensor);
        try (var run = run(device)) {
            var before = run.values();
            var failure = assertThrows(TrainingException.class, run.trainer::run);
            assertArrayEquals(before, run.values(), "nothing is updated");
            assertTrue(failure.getMessage().startsWith("step 1: the loss is NaN, for " + model.resolve("model.safetensors")
                    + ": tensor '" + tensor + "': element [" + element + "] is NaN, "), failure.getMessage());
        }
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
