package dev.sartor.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model written is the model that was read. */
class ModelWriterTest {
    @TempDir
    Path temporary;

    @ParameterizedTest
    @CsvSource({"llama, FLOAT32, false", "llama, BFLOAT16, false", "qwen2, FLOAT32, true", "gpt2, FLOAT32, false", "gpt2, FLOAT32, true"})
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
                assertEquals(name.equals("llama"), a.contains("lm_head.weight"), "a tied head is not written");
                if (name.equals("gpt2")) {
                    assertEquals(Shape.of(16, 48), a.spec("transformer.h.0.attn.c_attn.weight").shape(), "Conv1D is [in, out]");
                }
            }
            var config = Json.readObject(second.resolve("config.json"));
            assertEquals(dtype.name().toLowerCase(), config.get("torch_dtype").stringValue());
        }
    }
}
