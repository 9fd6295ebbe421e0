package dev.sartor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class DirectoriesTest {

    private static final TensorSource TENSOR =
            TensorSource.of("w", new TensorSpec(DType.FLOAT32, Shape.of(2)), new float[] {1, 2});

    @TempDir
    Path dir;

    private static void fails(Executable action, String... parts) {
        String message = assertThrows(FormatException.class, action).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void saysWhatIsWrongWithAModelPath() throws IOException {
        fails(() -> ModelDirectory.open(Path.of("nobody/no-model")), "no such model directory", "hf download nobody/no-model");
        fails(() -> ModelDirectory.open(dir.resolve("absent")), "no such model directory");
        Path gguf = Files.createFile(dir.resolve("m.gguf"));
        fails(() -> ModelDirectory.open(gguf), "is a file", "GGUF");
        Files.delete(gguf);
        fails(() -> ModelDirectory.open(dir), "expected config.json");
        Files.writeString(dir.resolve("adapter_config.json"), "{}");
        fails(() -> ModelDirectory.open(dir), "it is an adapter");
        Files.writeString(dir.resolve("config.json"), "{\"model_type\": \"llama\",\n \"x\" }");
        fails(() -> ModelDirectory.open(dir), "config.json (line 2, column ", "not valid JSON");
        Files.writeString(dir.resolve("config.json"), "{\"rope_theta\": 10000.0}");
        fails(() -> ModelDirectory.open(dir).modelType(), "model_type", "found nothing");
        Files.createFile(dir.resolve("pytorch_model.bin"));
        fails(() -> ModelDirectory.open(dir).openWeights(), "pytorch_model.bin is a pickle", "save_pretrained");
    }

    @Test
    void savesAModelWithItsTokenizer() throws IOException {
        Path from = Files.createDirectory(dir.resolve("from"));
        Path to = dir.resolve("a/to");
        Files.writeString(from.resolve("config.json"), "{\"model_type\": \"llama\", \"rms_norm_eps\": 1e-05, \"n\": null}");
        for (String name : List.of("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "optimizer.pt")) {
            Files.writeString(from.resolve(name), name);
        }
        ModelDirectory source = ModelDirectory.open(from);
        assertFalse(source.hasWeights());
        assertEquals(Optional.empty(), source.generationConfig());
        ObjectNode generation = Json.object().put("eos_token_id", 2);
        ModelDirectory.save(to, source.config(), Optional.of(generation), List.of(TENSOR), 100);
        assertEquals(List.of("chat_template.jinja", "tokenizer.json", "tokenizer_config.json"), source.copyTokenizer(to));
        ModelDirectory saved = ModelDirectory.open(to);
        assertEquals("llama", saved.modelType());
        assertEquals(1e-05, saved.config().path("rms_norm_eps").doubleValue());
        assertEquals(Optional.of(generation), saved.generationConfig());
        assertEquals("tokenizer.json", Files.readString(to.resolve("tokenizer.json")));
        try (Safetensors weights = saved.openWeights()) {
            assertArrayEquals(new float[] {1, 2}, weights.floats("w"));
        }
    }

    @Test
    void writesJsonAsPythonDoes() throws IOException {
        Path file = dir.resolve("x.json");
        Json.write(file, Json.parse("{\"a\":[1,{\"b\":\"é\"}],\"e\":[],\"o\":{}}", "here"));
        assertEquals("""
                {
                  "a": [
                    1,
                    {
                      "b": "é"
                    }
                  ],
                  "e": [],
                  "o": {}
                }
                """, Files.readString(file));
        fails(() -> Json.parse("{\"a\":1,\"a\":2}", "here"), "here", "Duplicate");
        fails(() -> Json.parse("{} {}", "here"), "here");
        fails(() -> Json.parse("", "here"), "here");
        assertTrue(Double.isNaN(Json.parse("NaN", "here").doubleValue()));
    }

    @Test
    void savesAndReadsNamedAdapters() throws IOException {
        ObjectNode config = (ObjectNode) Json.parse("{\"peft_type\":\"LORA\",\"r\":4,\"from_the_future\":{\"x\":[1]}}", "test");
        ModelCard card = new ModelCard("base/model", List.of("lora"), Map.of("steps", "7"));
        assertEquals(dir, AdapterDirectory.save(dir, "default", config, List.of(TENSOR), card));
        assertEquals(dir.resolve("poet"), AdapterDirectory.save(dir, "poet", config, List.of(TENSOR), card));
        for (String name : List.of("default", "poet")) {
            AdapterDirectory adapter = AdapterDirectory.open(dir, name);
            assertEquals("LORA", adapter.peftType());
            assertEquals(config.get("from_the_future"), adapter.config().get("from_the_future"));
            assertTrue(adapter.config().get("inference_mode").booleanValue());
            try (Safetensors weights = adapter.openWeights()) {
                assertEquals(Map.of("format", "pt"), weights.metadata());
            }
            String text = Files.readString(adapter.path().resolve("README.md"));
            assertTrue(text.startsWith("---\nbase_model: base/model\nlibrary_name: peft\n") && text.contains("| steps | 7 |"), text);
        }
        fails(() -> AdapterDirectory.open(dir, "prose"), "expected an adapter here", "[poet]");
        fails(() -> AdapterDirectory.open(dir.resolve("nowhere")), "there is no directory");
        assertThrows(IllegalArgumentException.class, () -> AdapterDirectory.open(dir, "../x"));
        Files.move(dir.resolve("adapter_model.safetensors"), dir.resolve("adapter_model.bin"));
        fails(() -> AdapterDirectory.open(dir).openWeights(), "adapter_model.bin is a pickle");
    }

    @Test
    void adapterKeysLoseAndRegainTheName() {
        for (String[] pair : new String[][] {
            {"base_model.model.q_proj.lora_A.default.weight", "base_model.model.q_proj.lora_A.weight"},
            {"base_model.model.q_proj.lora_B.default.bias", "base_model.model.q_proj.lora_B.bias"},
            {"base_model.model.q_proj.lora_magnitude_vector.default", "base_model.model.q_proj.lora_magnitude_vector"},
            {"base_model.model.embed.lora_embedding_A.default", "base_model.model.embed.lora_embedding_A"}}) {
            assertEquals(pair[1], AdapterDirectory.storedKey(pair[0], "default"));
            assertEquals(pair[0], AdapterDirectory.namedKey(pair[1], "default"));
        }
        assertEquals("lm_head.weight", AdapterDirectory.storedKey("lm_head.weight", "default"));
    }

    @Test
    void directoriesAppearWholeOrNotAtAll() throws IOException {
        Path target = dir.resolve("checkpoint-1");
        AtomicFiles.writeDirectory(target, d -> Files.writeString(d.resolve("one"), "1"));
        assertThrows(IOException.class, () -> AtomicFiles.writeDirectory(target, d -> {
            Files.writeString(d.resolve("two"), "2");
            throw new IOException("disk full");
        }));
        assertTrue(Files.exists(target.resolve("one")));
        AtomicFiles.writeDirectory(target, d -> Files.writeString(Files.createDirectory(d.resolve("sub")).resolve("two"), "2"));
        assertFalse(Files.exists(target.resolve("one")));
        assertEquals("2", Files.readString(target.resolve("sub/two")));
        try (var left = Files.list(dir)) {
            assertEquals(List.of(target), left.toList(), "nothing temporary stays");
        }
        assertThrows(IOException.class, () -> AtomicFiles.write(target.resolve("f"), 1, channel -> {
            throw new IOException("disk full");
        }));
        assertFalse(Files.exists(target.resolve("f")));
    }

    private static final class FullDisk implements WritableByteChannel {
        @Override
        public int write(ByteBuffer from) throws IOException {
            throw new IOException("No space left on device");
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
        }
    }

    @Test
    void whatCannotBeWrittenIsNamed() throws IOException {
        Path file = dir.resolve("model.safetensors");
        var full = new ChannelSink(new OutputFile(file, 5000, new FullDisk()));
        String said = assertThrows(IOException.class, () -> full.write(TENSOR)).getMessage();
        assertTrue(said.startsWith(file + ": cannot be written: No space left on device; it needs 5,000 bytes, 0 are written and "), said);
        assertTrue(said.endsWith(" more are free; make room, or name another directory"), said);
        AtomicFiles.write(file, 1, channel -> assertInstanceOf(OutputFile.class, channel));
        AtomicFiles.writeDirectory(dir.resolve("checkpoint-2"), folder -> {
            assertNotEquals("checkpoint-2", folder.getFileName().toString());
            assertEquals(dir.resolve("checkpoint-2/state").toString(), AtomicFiles.named(folder.resolve("state")));
        });
    }

    @Test
    void readsTheFixtures() throws IOException {
        ModelDirectory model = ModelDirectory.open(Fixtures.require("models/stories260K"));
        assertEquals("llama", model.modelType());
        try (Safetensors weights = model.openWeights()) {
            assertEquals(new TensorSpec(DType.FLOAT32, Shape.of(512, 64)), weights.spec("model.embed_tokens.weight"));
            assertEquals(512 * 64, weights.floats("model.embed_tokens.weight").length);
        }
        AdapterDirectory adapter = AdapterDirectory.open(Fixtures.require("goldens/llama/adapter-lora"));
        assertEquals("LORA", adapter.peftType());
        assertTrue(adapter.config().has("monteclora_config"));
        try (Safetensors weights = adapter.openWeights()) {
            assertEquals(4, weights.spec("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight").shape().dim(0));
        }
        try (Safetensors golden = Safetensors.open(Fixtures.require("goldens/llama/golden.safetensors"))) {
            for (String name : golden.names()) {
                switch (golden.type(name)) {
                    case I64, BOOL -> assertEquals(golden.spec(name).shape().elements(), golden.ints(name).length);
                    default -> assertEquals(golden.spec(name).shape().elements(), golden.floats(name).length);
                }
            }
        }
    }
}
