package dev.sartor.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Fixtures;
import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerTest {

    @TempDir
    Path dir;

    private Tokenizer byteLevel() throws IOException {
        TinyTokenizers.byteLevel(dir, TinyTokenizers.chatMl(false));
        return Tokenizer.open(dir);
    }

    private Tokenizer sentencePiece() throws IOException {
        Path pieces = Files.createDirectories(dir.resolve("pieces"));
        TinyTokenizers.sentencePiece(pieces);
        return Tokenizer.open(pieces);
    }

    @Test
    void encodesAndDecodes() throws IOException {
        try (Tokenizer t = byteLevel()) {
            assertArrayEquals(new int[] {258, 'o', 261}, t.encode("hello<|im_end|>", true));
            assertEquals("hello<|im_end|>", t.decode(new int[] {258, 'o', 261}, false));
            assertEquals("hello", t.decode(new int[] {258, 'o', 261}, true));
            assertEquals("", t.decode(new int[] {99_999}, true), "a padding row of the embedding stands for nothing");
            assertEquals(262, t.vocabularySize());
            assertEquals(OptionalInt.of(258), t.id("hell"));
            assertTrue(t.isSpecial(261));
            assertFalse(t.isSpecial(258));
            String message = assertThrows(IllegalArgumentException.class, () -> t.encode("ab\ud83e", true)).getMessage();
            assertTrue(message.contains("half a surrogate pair (\\ud83e) at character 2"), message);
        }
        try (Tokenizer t = sentencePiece()) {
            assertArrayEquals(new int[] {1, 286, 261}, t.encode("ab", true));
            assertArrayEquals(new int[] {286, 261}, t.encode("ab", false));
            assertEquals("ab", t.decode(new int[] {1, 286, 261}, true));
        }
    }

    @Test
    void placesAreInUtf16() throws IOException {
        try (Tokenizer t = byteLevel()) {
            Tokenizer.Encoding e = t.encodeWithPlaces("🦙hello<|im_end|>é", true);
            assertArrayEquals(new int[] {0, 0, 0, 0, 2, 6, 7, 17, 17}, e.starts());
            assertArrayEquals(new int[] {2, 2, 2, 2, 6, 7, 17, 18, 18}, e.ends());
        }
        try (Tokenizer t = sentencePiece()) {
            Tokenizer.Encoding e = t.encodeWithPlaces("a 🦙b", true);
            assertEquals(List.of(0, 0), List.of(e.starts()[0], e.ends()[0]), "BOS stands for no text");
            int last = e.ids().length - 1;
            assertEquals(List.of(4, 5), List.of(e.starts()[last], e.ends()[last]));
        }
    }

    @Test
    void streamsWholeCharactersAndKeepsBlanks() throws IOException {
        for (boolean pieces : new boolean[] {false, true}) {
            try (Tokenizer t = pieces ? sentencePiece() : byteLevel()) {
                for (String text : List.of("a🦙é b  a", "  a", "a  ", "🦙", "\n a a\n", "")) {
                    for (boolean special : new boolean[] {false, true}) {
                        assertStreams(t, t.encode(text, special), text);
                    }
                }
            }
        }
        try (Tokenizer t = sentencePiece()) {
            assertStreams(t, new int[] {1, 286, 2, 286, 259, 2, 1, 2, 286}, "a a  a");
            StreamDecoder d = t.streamDecoder(true);
            assertEquals("a", d.next(286));
            assertEquals("", d.next(3 + 0xf0), "a byte of an unfinished character is held back");
            assertEquals("\ufffd", d.finish());
        }
    }

    private static void assertStreams(Tokenizer t, int[] ids, String expected) {
        StreamDecoder decoder = t.streamDecoder(true);
        StringBuilder all = new StringBuilder();
        for (int id : ids) {
            String piece = decoder.next(id);
            assertFalse(piece.endsWith("\ufffd") || !piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
            all.append(piece);
        }
        all.append(decoder.finish());
        assertEquals(t.decode(ids, true), all.toString(), Arrays.toString(ids));
        assertEquals(expected, all.toString());
    }

    @Test
    void findsSpecialTokens() throws IOException {
        try (Tokenizer t = byteLevel()) {
            SpecialTokens s = t.specialTokens();
            assertEquals(Map.of("eos_token", "<|im_end|>", "pad_token", "<|endoftext|>"), s.texts());
            assertEquals(OptionalInt.of(261), s.eos());
            assertEquals(OptionalInt.of(259), s.pad());
            assertEquals(OptionalInt.empty(), s.bos());
            assertEquals(List.of(261), s.eosIds());
        }
        Files.writeString(dir.resolve("generation_config.json"), "{\"eos_token_id\": [259, 261], \"bos_token_id\": 260}");
        Files.writeString(dir.resolve("config.json"), "{\"eos_token_id\": 5}");
        try (Tokenizer t = Tokenizer.open(dir)) {
            assertEquals(List.of(261, 259), t.specialTokens().eosIds());
            assertEquals(OptionalInt.of(260), t.specialTokens().bos());
            assertEquals("<|im_start|>", t.specialTokens().texts().get("bos_token"));
        }
        Files.delete(dir.resolve("tokenizer_config.json"));
        Files.delete(dir.resolve("generation_config.json"));
        try (Tokenizer t = Tokenizer.open(dir)) {
            assertEquals(List.of(5), t.specialTokens().eosIds());
            assertEquals(OptionalInt.of(5), t.specialTokens().eos());
        }
    }

    /** Such as a file of a slow tokenizer, whose added tokens tokenizer.json lacks. */
    @Test
    void findsTokensThatOnlyTheConfigurationHas() throws IOException {
        TinyTokenizers.byteLevel(dir, null);
        var config = Json.object().put("eos_token", "<eos>");
        config.putObject("added_tokens_decoder").putObject("300").put("content", "<eos>").put("special", true);
        Json.write(dir.resolve("tokenizer_config.json"), config);
        try (Tokenizer t = Tokenizer.open(dir)) {
            assertEquals(OptionalInt.of(300), t.specialTokens().eos());
            assertEquals(List.of(300), t.specialTokens().eosIds());
        }
        config.putObject("added_tokens_decoder").put("x", 1);
        Json.write(dir.resolve("tokenizer_config.json"), config);
        assertFails("added_tokens_decoder: expected ids with an object that has content, found 'x': 1");
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        assertFails("expected tokenizer.json", "fetch it");
        Files.createFile(dir.resolve("tokenizer.model"));
        assertFails("tokenizer.model is there: make tokenizer.json from it with");
        Files.writeString(dir.resolve("tokenizer.json"), "{}");
        assertFails("tokenizer.json: not a tokenizer this library reads", "Model missing");
        Files.writeString(dir.resolve("tokenizer.json"), "{");
        assertFails("tokenizer.json (line 1");
        TinyTokenizers.byteLevel(dir, null);
        Json.write(dir.resolve("tokenizer_config.json"), Json.object().put("eos_token", "<eos>"));
        assertFails("eos_token '<eos>' is not in the vocabulary");
        TinyTokenizers.byteLevel(dir, "{% if %}");
        assertFails("tokenizer_config.json (chat_template):1: expected an expression");
    }

    private void assertFails(String... parts) {
        String message = assertThrows(FormatException.class, () -> Tokenizer.open(dir).close()).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void findsTheChatTemplate() throws IOException {
        var messages = Json.parse("[{\"role\":\"user\",\"content\":\"hi\"}]", "test");
        try (Tokenizer t = byteLevel()) {
            assertEquals("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
                    t.chatTemplate().orElseThrow().render(messages, null, true, Map.of()));
        }
        Files.writeString(dir.resolve("tokenizer_config.json"), "{\"chat_template\": [{\"name\": \"default\", \"template\": \"D{{ eos_token }}{{ x }}\"},"
                + " {\"name\": \"tool_use\", \"template\": \"T{{ tools|length }}\"}], \"eos_token\": \"<|im_end|>\"}");
        try (Tokenizer t = Tokenizer.open(dir)) {
            assertEquals("D<|im_end|>1", t.chatTemplate().orElseThrow().render(messages, null, true, Map.of("x", 1)));
            assertEquals("T2", t.chatTemplate().orElseThrow().render(messages, Json.parse("[{},{}]", "test"), true, Map.of()));
        }
        Files.writeString(dir.resolve("chat_template.jinja"), "J");
        try (Tokenizer t = Tokenizer.open(dir)) {
            assertEquals("J", t.chatTemplate().orElseThrow().render(messages, null, true, Map.of()));
        }
    }

    /** The texts and ids with which llama.cpp checks its tokenizers. */
    @ParameterizedTest
    @CsvSource({"gpt2,gpt-2", "qwen3,qwen2"})
    void agreesWithLlamaCpp(String tokenizer, String vectors) throws IOException {
        Path model = Fixtures.require("tokenizers/" + tokenizer);
        String base = "vectors/llama.cpp/ggml-vocab-" + vectors + ".gguf";
        String[] texts = Files.readString(Fixtures.require(base + ".inp"), StandardCharsets.UTF_8).split("\n__ggml_vocab_test__\n", -1);
        String[] expected = Files.readString(Fixtures.require(base + ".out")).split("\n", -1);
        assertEquals(expected.length, texts.length);
        try (Tokenizer t = Tokenizer.open(model)) {
            for (int i = 0; i < texts.length; i++) {
                int[] ids = t.encode(texts[i], false);
                String got = Arrays.toString(ids).replaceAll("[\\[\\],]", "");
                assertEquals(expected[i].strip(), got, "text " + i + ": " + texts[i]);
                assertStreams(t, ids, t.decode(ids, true));
            }
        }
    }

    @Test
    void readsStories260K() throws IOException {
        try (Tokenizer t = Tokenizer.open(Fixtures.require("models/stories260K"))) {
            assertEquals(512, t.vocabularySize());
            assertEquals(List.of(2), t.specialTokens().eosIds());
            int[] ids = t.encode("Once upon a time, there was a little girl named Lily.", true);
            assertEquals(1, ids[0]);
            assertStreams(t, ids, "Once upon a time, there was a little girl named Lily.");
        }
    }

    @ParameterizedTest
    @CsvSource({"qwen3", "minimind"})
    void rendersTheFixturesTemplates(String tokenizer) throws IOException {
        try (Tokenizer t = Tokenizer.open(Fixtures.require("tokenizers/" + tokenizer))) {
            var messages = Json.parse("[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"},"
                    + "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":[1,\"é\"]}}}]},"
                    + "{\"role\":\"tool\",\"content\":\"7\"}]", "test");
            String thought = tokenizer.equals("minimind") ? "<think>\n\n</think>\n\n" : "";
            assertEquals("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n" + thought
                    + "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, \"é\"]}}\n</tool_call><|im_end|>\n"
                    + "<|im_start|>user\n<tool_response>\n7\n</tool_response><|im_end|>\n<|im_start|>assistant\n" + thought,
                    t.chatTemplate().orElseThrow().render(messages, null, true, Map.of()));
        }
    }
}
