package dev.sartor.peft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Json;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Merged models answer as the base with the adapter does. */
class MergeTest {
    private static final long SHARD = 1L << 30;

    @TempDir
    Path temporary;

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            llama | {"r": 3, "lora_alpha": 6, "target_modules": "all-linear"}
            llama | {"r": 3, "target_modules": "all-linear", "use_dora": true, "bias": "all", "modules_to_save": ["norm"]}
            gpt2  | {"r": 3, "target_modules": "all-linear"}
            gpt2  | {"r": 3, "target_modules": "all-linear", "use_dora": true, "bias": "lora_only"}
            gpt2  | {"r": 3, "target_modules": ["c_attn"], "modules_to_save": ["wte", "h.1.mlp.c_fc"]}
            qwen2 | {"r": 3, "target_modules": ["q_proj"], "modules_to_save": ["lm_head"], "use_rslora": true}
            qwen2 | {"r": 3, "target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]}
            qwen2 | {"r": 3, "target_modules": ["v_proj"]}
            mixtral | {"r": 3, "target_parameters": ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]}
            mixtral | {"r": 3, "target_modules": ["q_proj", "gate"], "target_parameters": ["gate_up_proj"], "rank_pattern": {"experts.gate_up_proj": 2}}
            mixtral | {"r": 3, "target_modules": ["experts.0.gate_proj", "experts.2.gate_proj", "experts.1.up_proj", "0.mlp.experts.3.down_proj"]}
            qwen3_moe | {"r": 3, "target_modules": ".*experts\\\\.[03]\\\\..*", "use_rslora": true}
            qwen3_moe | {"r": 3, "target_parameters": ["down_proj"], "modules_to_save": ["mlp.gate"]}
            mixtral   | {"r": 3, "target_modules": "all-linear"}
            qwen2_moe | {"r": 3, "target_modules": "all-linear", "modules_to_save": ["mlp.gate"]}
            gpt_oss   | {"r": 3, "target_modules": ["q_proj", "o_proj"]}
            """)
    void inFloat32NothingIsLost(String name, String config) throws IOException {
        try (var tiny = new TinyModel(temporary, name)) {
            var base = tiny.logits();
            tiny.adapters().add("default", AdaptersTest.config(config), true);
            tiny.scramble("default");
            tiny.adapters().activate("default");
            var expected = tiny.logits();
            assertTrue(TinyModel.distance(base, expected) > 1e-2, "the adapter changes something");
            var target = temporary.resolve("merged");
            var report = Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(target, false), null, null, SHARD);
            assertTrue(TinyModel.distance(expected, tiny.logits(target)) < 2e-4,
                    () -> "logits differ by " + distance(tiny, expected, target));
            assertEquals(tiny.adapters().layers("default").size(), report.modules().size());
            assertEquals(0, report.worst().orElseThrow().rounding());
            assertTrue(report.modules().stream().allMatch(drift -> drift.update() > 1e-3));
        }
    }

    private static double distance(TinyModel tiny, float[] expected, Path target) {
        try {
            return TinyModel.distance(expected, tiny.logits(target));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theBasesTypeIsKeptAndItsRoundingReported() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama", DType.BFLOAT16)) {
            tiny.adapters().add("default", AdaptersTest.config("{\"target_modules\": [\"q_proj\"]}"), true);
            tiny.scramble("default");
            tiny.adapters().activate("default");
            var expected = tiny.logits();
            var target = temporary.resolve("merged");
            var report = Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(target, false), null, null, SHARD);
            double rounding = report.worst().orElseThrow().rounding();
            assertTrue(rounding > 5e-4 && rounding < 4e-3, "bfloat16 rounds by about 2^-9: " + rounding);
            try (var file = Safetensors.open(target); var base = Safetensors.open(tiny.directory())) {
                assertEquals(base.names(), file.names());
                for (var key : file.names()) {
                    assertEquals(DType.BFLOAT16, file.spec(key).dtype(), key);
                    boolean same = file.data(key).mismatch(base.data(key)) < 0;
                    assertEquals(!key.contains("q_proj"), same, key + " is unchanged");
                }
            }
            assertEquals("bfloat16", Json.read(target.resolve("config.json")).get("torch_dtype").stringValue());
            assertTrue(TinyModel.distance(expected, tiny.logits(target)) < 1);

            var wide = temporary.resolve("wide");
            var exact = Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(wide, false), DType.FLOAT32, null, SHARD);
            assertEquals(0, exact.worst().orElseThrow().rounding());
            assertTrue(TinyModel.distance(expected, tiny.logits(wide)) < 2e-4);
            assertEquals("float32", Json.read(wide.resolve("config.json")).get("torch_dtype").stringValue());
        }
    }

    @Test
    void tiedModelsComeApartWhenOneOfTheTwoIsReplaced() throws IOException {
        try (var tiny = new TinyModel(temporary, "qwen2")) {
            tiny.adapters().add("default", AdaptersTest.config("{\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"embed_tokens\"]}"), true);
            tiny.scramble("default");
            var target = temporary.resolve("merged");
            Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(target, false), null, null, SHARD);
            assertFalse(Json.read(target.resolve("config.json")).get("tie_word_embeddings").booleanValue());
            try (var file = Safetensors.open(target); var base = Safetensors.open(tiny.directory())) {
                assertFalse(base.contains("lm_head.weight"), "the base's head is tied");
                assertArrayEquals(base.floats("model.embed_tokens.weight"), file.floats("lm_head.weight"));
            }
        }
    }

    @Test
    void tiedModelsMayBeStoredByTheirHead() throws IOException {
        try (var tiny = new TinyModel(temporary, "qwen2")) {
            var renamed = temporary.resolve("renamed");
            try (var file = Safetensors.open(tiny.directory())) {
                var sources = new ArrayList<TensorSource>();
                for (var name : file.names()) {
                    var key = name.equals("model.embed_tokens.weight") ? "lm_head.weight" : name;
                    sources.add(TensorSource.of(key, file.spec(name), file.data(name)));
                }
                SafetensorsWriter.writeModel(renamed, sources, SHARD);
                Files.copy(tiny.directory().resolve("config.json"), renamed.resolve("config.json"));
            }
            assertArrayEquals(tiny.logits(), tiny.logits(renamed));
            for (var saved : List.of("lm_head", "embed_tokens")) {
                tiny.adapters().add(saved, AdaptersTest.config(
                        "{\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"%s\"]}".formatted(saved)), true);
                tiny.scramble(saved);
                tiny.adapters().activate(saved);
                var expected = tiny.logits();
                var target = temporary.resolve(saved);
                Merge.write(tiny.adapters(), saved, renamed, OutputDirectory.of(target, false), null, null, SHARD);
                assertTrue(TinyModel.distance(expected, tiny.logits(target)) < 2e-4, saved);
                tiny.adapters().deactivate();
            }
        }
    }

    @Test
    void otherFilesComeAlong() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            Files.writeString(tiny.directory().resolve("tokenizer.json"), "{}");
            Files.writeString(tiny.directory().resolve("generation_config.json"), "{\"eos_token_id\": 2}");
            tiny.adapters().add("default", AdaptersTest.config("{}"), true);
            var target = temporary.resolve("merged");
            Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(target, false), null, null, SHARD);
            assertEquals("{}", Files.readString(target.resolve("tokenizer.json")));
            assertEquals(2, Json.read(target.resolve("generation_config.json")).get("eos_token_id").intValue());
        }
    }

    @Test
    void whatCannotBeIsRefused() throws IOException {
        try (var tiny = new TinyModel(temporary, "llama")) {
            tiny.adapters().add("default", AdaptersTest.config("{\"r\": 2, \"lora_alpha\": 1e7, \"init_lora_weights\": false}"), true);
            var own = assertThrows(IllegalArgumentException.class,
                    () -> Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(tiny.directory(), false), null, null, SHARD));
            assertTrue(own.getMessage().contains("choose another"), own.getMessage());
            var wide = assertThrows(IOException.class,
                    () -> Merge.write(tiny.adapters(), "default", tiny.directory(), OutputDirectory.of(temporary.resolve("half"), false), DType.FLOAT16, null, SHARD));
            assertTrue(wide.getMessage().contains("cannot hold; choose bfloat16 or float32"), wide.getMessage());
            assertFalse(Files.exists(temporary.resolve("half")), "nothing is left behind");
        }
    }
}
