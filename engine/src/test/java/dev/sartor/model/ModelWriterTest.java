package dev.sartor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.io.Json;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.peft.TinyModels;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model written is the model that was read. */
class ModelWriterTest {
    @TempDir
    Path temporary;

    @ParameterizedTest
    @CsvSource({"llama, FLOAT32, false", "llama, BFLOAT16, false", "qwen2, FLOAT32, true", "mixtral, FLOAT32, false",
        "mixtral, BFLOAT16, true", "qwen2_moe, FLOAT32, true", "glm4_moe, FLOAT32, false", "glm4_moe, FLOAT32, true", "gpt_oss, FLOAT32, false",
        "gpt_oss, BFLOAT16, true", "gpt2, FLOAT32, false", "gpt2, FLOAT32, true"})
    void writtenAndReadAndWrittenItIsTheSame(String name, DType dtype, boolean trained) throws IOException {
        try (var device = new ReferenceDevice()) {
            var first = TinyModels.weights(device, temporary, name, dtype);
            var second = temporary.resolve("second");
            try (var model = LanguageModel.open(device, first, DType.FLOAT32, trained)) {
                ModelWriter.write(model, second, dtype, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            }
            try (var a = Safetensors.open(first); var b = Safetensors.open(second)) {
                assertEquals(a.names(), b.names());
                assertTrue(a.names().size() > 10, "tensors: " + a.names());
                for (var key : a.names()) {
                    assertEquals(a.spec(key), b.spec(key), key);
                    assertEquals(dtype, a.spec(key).dtype(), key);
                    assertArrayEquals(a.floats(key), b.floats(key), key);
                }
                assertEquals(!name.equals("qwen2") && !name.equals("gpt2"), a.contains("lm_head.weight"), "a tied head is not written");
                if (name.equals("mixtral")) {
                    assertEquals(Shape.of(4, 16), a.spec("model.layers.0.block_sparse_moe.gate.weight").shape());
                    assertEquals(Shape.of(16, 24), a.spec("model.layers.1.block_sparse_moe.experts.3.w2.weight").shape());
                }
                if (name.equals("gpt_oss")) {
                    assertEquals(Shape.of(4, 32, 28), a.spec("model.layers.1.mlp.experts.gate_up_proj").shape());
                }
                if (name.equals("gpt2")) {
                    assertEquals(Shape.of(16, 48), a.spec("transformer.h.0.attn.c_attn.weight").shape(), "Conv1D is [in, out]");
                }
            }
            var config = Json.readObject(second.resolve("config.json"));
            assertEquals(dtype.name().toLowerCase(), config.path("torch_dtype").asString(config.path("dtype").asString("")));
        }
    }

    /** Balancing moves them by less than bfloat16 can tell. */
    @Test
    void correctionBiasesAreNotRounded() throws IOException {
        try (var device = new ReferenceDevice()) {
            var first = TinyModels.weights(device, temporary, "glm4_moe", DType.FLOAT32);
            var second = temporary.resolve("second");
            try (var model = LanguageModel.open(device, first, DType.FLOAT32, true)) {
                ModelWriter.write(model, second, DType.BFLOAT16, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            }
            try (var a = Safetensors.open(first); var b = Safetensors.open(second)) {
                var biases = b.names().stream().filter(key -> key.endsWith("e_score_correction_bias")).toList();
                assertFalse(biases.isEmpty());
                for (var key : biases) {
                    assertEquals(a.spec(key), b.spec(key), key);
                    assertArrayEquals(a.floats(key), b.floats(key), key);
                }
                assertEquals(DType.BFLOAT16, b.spec("lm_head.weight").dtype());
            }
        }
    }
}
