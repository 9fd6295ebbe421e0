package dev.sartor.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Fixtures;
import dev.sartor.io.FormatException;
import dev.sartor.text.ChatTemplate;
import dev.sartor.text.TinyTokenizers;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DatasetTest {

    private static final int EOS = 261;

    @TempDir
    Path dir;

    private Tokenizer tokenizer;

    @BeforeEach
    void open() throws IOException {
        TinyTokenizers.byteLevel(dir, TinyTokenizers.chatMl(false));
        tokenizer = Tokenizer.open(dir);
    }

    @AfterEach
    void close() {
        tokenizer.close();
    }

    private Dataset load(String content, EncodingOptions options, Dataset.BadRows badRows) throws IOException {
        Path file = dir.resolve("d.jsonl");
        Files.writeString(file, content);
        return Dataset.load(List.of(file), new RowEncoder(tokenizer, tokenizer.chatTemplate(), options), "text", badRows);
    }

    private String learnedText(Sample sample) {
        int[] learned = Arrays.stream(sample.labels()).filter(l -> l != Sample.IGNORED).toArray();
        return tokenizer.decode(learned, false);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"text\": 1}|text: expected a string, found a number",
        "{\"text\": \"a\"|not valid JSON",
        "[1]|expected a JSON object, found an array",
        "{\"prompt\": \"a\"}|completion: missing",
        "{\"completion\": \"a\"}|prompt: missing",
        "{\"prompt\": \"a\", \"completion\": null}|completion: expected a string, found null",
        "{\"prompt\": [{\"role\":\"user\",\"content\":\"a\"}], \"completion\": \"b\"}|completion: expected an array of messages, found a string",
        "{\"messages\": []}|messages: expected at least one message, found none",
        "{\"messages\": [{\"role\":\"user\",\"content\":\"a\"},{\"content\":\"a\"}]}|messages[1].role: expected a string, found nothing",
        "{\"messages\": [{\"role\":\"user\",\"content\":7}]}|messages[0].content: expected a string, found a number",
        "{\"messages\": [{\"role\":\"user\",\"content\":\"a\"}], \"tools\": \"{\"}|tools: a string that is not valid JSON",
        "{\"messages\": [{\"role\":\"user\",\"content\":\"a\"}], \"tools\": 3}|tools: expected an array",
        "{\"instruction\": \"a\", \"output\": \"b\"}|found [instruction, output]; rename instruction to prompt",
        "{\"conversations\": []}|rename conversations to messages",
        "{\"text\": \"\"}|nothing to learn",
        "{\"text\": \"half \\ud83e\"}|half a surrogate pair",
    })
    void namesFileLineFieldAndReason(String row, String expected) throws IOException {
        String content = "{\"text\": \"good\"}\n\n" + row + "\n{\"text\": \"also good\"}\n";
        String message = assertThrows(DataException.class, () -> load(content, EncodingOptions.DEFAULT, Dataset.BadRows.STOP)).getMessage();
        assertTrue(message.startsWith("1 of 3 rows cannot be used:\n  " + dir.resolve("d.jsonl") + ":3: "), message);
        assertTrue(message.contains(expected), message);
        Dataset data = load(content, EncodingOptions.DEFAULT, Dataset.BadRows.SKIP);
        assertEquals(2, data.samples().size());
        assertEquals(1, data.statistics().badRows());
        assertEquals(3, data.problems().getFirst().place().line());
        assertTrue(data.statistics().warnings().getFirst().startsWith("1 row left out"));
    }

    @Test
    void listsManyProblemsAndStopsWhenNothingIsLeft() throws IOException {
        String message = assertThrows(DataException.class, () -> load("{}\n".repeat(12), EncodingOptions.DEFAULT, Dataset.BadRows.STOP)).getMessage();
        assertTrue(message.contains("d.jsonl:10: ") && !message.contains("d.jsonl:11: ") && message.contains("and 2 more"), message);
        assertThrows(DataException.class, () -> load("{}\n", EncodingOptions.DEFAULT, Dataset.BadRows.SKIP));
        assertTrue(assertThrows(DataException.class, () -> load("\n", EncodingOptions.DEFAULT, Dataset.BadRows.STOP)).getMessage().contains("no rows"));
        Files.write(dir.resolve("latin1.jsonl"), new byte[] {'{', (byte) 0xe9, '}'});
        assertThrows(FormatException.class, () -> RowReader.read(dir.resolve("latin1.jsonl"), "text"));
        assertThrows(FormatException.class, () -> RowReader.read(dir.resolve("absent.jsonl"), "text"));
    }

    @Test
    void readsArraysWithTheirLines() throws IOException {
        Path file = dir.resolve("d.json");
        Files.writeString(file, "\ufeff[\n  {\"text\": \"a\"},\n  {\n    \"body\": \"b\"\n  },\n  {\"text\": 3}\n]\n");
        RowReader.Result read = RowReader.read(file, "text");
        assertEquals(List.of(2L), read.rows().stream().map(r -> r.place().line()).toList());
        assertEquals(List.of(3L, 6L), read.problems().stream().map(p -> p.place().line()).toList());
        assertEquals(1, RowReader.read(file, "body").rows().size());
        Files.writeString(file, "[\n{\"text\": \"a\"},\n{\"text\" \"b\"}]");
        String message = assertThrows(FormatException.class, () -> RowReader.read(file, "text")).getMessage();
        assertTrue(message.contains("d.json (line 3"), message);
    }

    @Test
    void countsWhatCuttingTakes() throws IOException {
        Dataset data = load("{\"text\": \"0123456789\"}\n{\"prompt\": \"012345\", \"completion\": \"6\"}\n{\"text\": \"01\"}",
                EncodingOptions.DEFAULT.withMaxLength(5), Dataset.BadRows.STOP);
        Statistics s = data.statistics();
        assertEquals(List.of(3L, 1L, 2L, 8L, 6L, 2L, 9L), List.of(s.rows(), s.emptied(), s.samples(), s.tokens(), s.learned(), s.truncated(), s.cutTokens()));
        assertEquals(new Statistics.Lengths(3, 3, 5, 5, 5), s.lengths());
        assertTrue(s.toString().contains("1 row left out: cut at max_length") && s.toString().contains("2 rows cut"), s.toString());
        String message = assertThrows(DataException.class, () -> load("{\"prompt\": \"012345\", \"completion\": \"6\"}",
                EncodingOptions.DEFAULT.withMaxLength(5), Dataset.BadRows.STOP)).getMessage();
        assertTrue(message.contains("raise max_length"), message);
    }

    @Test
    void learnsATokenOverTheBoundary() throws IOException {
        Sample s = load("{\"prompt\": \"say h\", \"completion\": \"ello\"}", EncodingOptions.DEFAULT, Dataset.BadRows.STOP).samples().getFirst();
        assertEquals("hello<|im_end|>", learnedText(s));
        Dataset data = load("{\"prompt\": \"say h\", \"completion\": \"ello\"}\n{\"prompt\": \"say \", \"completion\": \"x\"}", EncodingOptions.DEFAULT, Dataset.BadRows.STOP);
        assertEquals(1, data.statistics().boundaryMerged());
    }

    @Test
    void findsTheTurnsOfATemplateThatRewritesThem() throws IOException {
        // As Qwen3 does: thoughts only in the last turn, and an empty one in the generation prompt if asked.
        ChatTemplate template = ChatTemplate.of("{% for m in messages %}<|im_start|>{{ m.role }}\n"
                + "{% if m.role == 'assistant' and loop.last %}<think>t</think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
                + "{% if add_generation_prompt %}<|im_start|>assistant\n{{ '<think></think>' if quick }}{% endif %}", "t", Map.of());
        String row = "{\"messages\": [{\"role\":\"user\",\"content\":\"u1\"},{\"role\":\"assistant\",\"content\":\"a1\"},"
                + "{\"role\":\"user\",\"content\":\"u2\"},{\"role\":\"assistant\",\"content\":\"a2\"}]}";
        Path file = dir.resolve("d.jsonl");
        Files.writeString(file, row);
        for (boolean quick : new boolean[] {false, true}) {
            EncodingOptions options = EncodingOptions.DEFAULT.withAssistantOnlyLoss(true).withChatTemplateVariables(Map.of("quick", quick));
            Dataset data = Dataset.load(List.of(file), new RowEncoder(tokenizer, Optional.of(template), options), "text", Dataset.BadRows.STOP);
            assertEquals(quick ? "a1<|im_end|>t</think>a2<|im_end|>" : "a1<|im_end|><think>t</think>a2<|im_end|>", learnedText(data.samples().getFirst()));
            assertEquals(0, data.statistics().endless());
        }
    }

    @Test
    void refusesTurnsThatCannotBeFound() throws IOException {
        ChatTemplate counting = ChatTemplate.of("{{ messages|length }}{% for m in messages %}{{ m.content }}{% endfor %}", "t", Map.of());
        ChatTemplate raising = ChatTemplate.of("{% for m in messages if m.role != 'user' %}{{ raise_exception('only users') }}{% endfor %}", "t", Map.of());
        Path file = dir.resolve("d.jsonl");
        Files.writeString(file, "{\"messages\": [{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":\"a\"}]}");
        EncodingOptions options = EncodingOptions.DEFAULT.withAssistantOnlyLoss(true);
        for (var each : Map.of(counting, "messages[1]: the chat template writes the beginning", raising, "messages: refused by the chat template: t:1: only users").entrySet()) {
            String message = assertThrows(DataException.class, () -> Dataset.load(List.of(file), new RowEncoder(tokenizer, Optional.of(each.getKey()), options),
                    "text", Dataset.BadRows.STOP)).getMessage();
            assertTrue(message.contains(each.getValue()), message);
        }
        String message = assertThrows(FormatException.class, () -> Dataset.load(List.of(file),
                new RowEncoder(tokenizer, Optional.empty(), options), "text", Dataset.BadRows.STOP)).getMessage();
        assertTrue(message.contains("has no chat template; add one"), message);
    }

    @Test
    void warnsOfTurnsThatDoNotEnd() throws IOException {
        ChatTemplate endless = ChatTemplate.of("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", "t", Map.of());
        Path file = dir.resolve("d.jsonl");
        Files.writeString(file, "{\"messages\": [{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":\"a\"}]}");
        Dataset data = Dataset.load(List.of(file), new RowEncoder(tokenizer, Optional.of(endless), EncodingOptions.DEFAULT), "text", Dataset.BadRows.STOP);
        assertTrue(data.statistics().warnings().getFirst().contains("may not learn to stop"));
    }

    @Test
    void passesToolsToTheTemplate() throws IOException {
        ChatTemplate template = ChatTemplate.of("{{ tools | tojson }}{% for m in messages %}{{ m.content }}{% endfor %}", "t", Map.of());
        Path file = dir.resolve("d.jsonl");
        Files.writeString(file, "{\"messages\": [{\"role\":\"user\",\"content\":\"u\"}], \"tools\": [{\"a\":1}]}\n"
                + "{\"messages\": [{\"role\":\"user\",\"content\":\"u\"}], \"tools\": \"[{\\\"a\\\":1}]\"}\n");
        Dataset data = Dataset.load(List.of(file), new RowEncoder(tokenizer, Optional.of(template), EncodingOptions.DEFAULT), "text", Dataset.BadRows.STOP);
        assertEquals(List.of("[{\"a\": 1}]u", "[{\"a\": 1}]u"), data.samples().stream().map(s -> tokenizer.decode(s.ids(), false)).toList());
    }

    @Test
    void splitsBySeed() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            rows.append("{\"text\": \"row").append(i).append("\"}\n");
        }
        Dataset data = load(rows.toString(), EncodingOptions.DEFAULT, Dataset.BadRows.STOP);
        Dataset.Split split = data.split(0.25, 7);
        assertEquals(10, split.validation().samples().size());
        assertEquals(30, split.train().samples().size());
        assertEquals(split.validation().samples(), data.split(0.25, 7).validation().samples());
        assertTrue(!split.validation().samples().equals(data.split(0.25, 8).validation().samples()));
        assertTrue(split.train().samples().stream().noneMatch(split.validation().samples()::contains));
        assertThrows(IllegalArgumentException.class, () -> data.split(1, 7));
    }

    @Test
    void cutsATextFile() throws IOException {
        Path file = dir.resolve("t.txt");
        Files.writeString(file, "0123456789é");
        TextFile.Split split = TextFile.readSplit(file, tokenizer, 0.2);
        assertEquals("01234567", tokenizer.decode(split.train().tokens(), false));
        assertEquals("89é", tokenizer.decode(split.validation().tokens(), false));
        TextFile whole = TextFile.read(file, tokenizer);
        assertEquals(12, whole.tokens().length);
        TextFile.Windows windows = whole.windows(5, false);
        assertEquals(List.of(2, 2), List.of(windows.samples().size(), windows.dropped()));
        assertArrayEquals(whole.tokens(), whole.windows(5, true).samples().stream().flatMapToInt(s -> Arrays.stream(s.ids())).toArray());
        assertEquals(1, whole.windows(99, false).samples().size());
        boolean[] seen = new boolean[8];
        for (int i = 0; i < 300; i++) {
            Sample window = whole.randomWindow(5, 3, i);
            assertArrayEquals(window.ids(), whole.randomWindow(5, 3, i).ids());
            seen[window.ids()[0] - '0'] = true;
        }
        for (boolean each : seen) {
            assertTrue(each, "every start is reached");
        }
        assertThrows(IllegalArgumentException.class, () -> whole.randomWindow(13, 3, 0));
        Files.writeString(file, "x");
        assertThrows(DataException.class, () -> TextFile.read(file, tokenizer));
    }

    @Test
    void readsTheFixtures() throws IOException {
        Path stories = Fixtures.require("data/tinystories/v1_valid.jsonl");
        try (Tokenizer small = Tokenizer.open(Fixtures.require("models/stories260K"))) {
            Dataset data = Dataset.load(List.of(stories), new RowEncoder(small, small.chatTemplate(), EncodingOptions.DEFAULT.withMaxLength(256)), "text", Dataset.BadRows.STOP);
            assertTrue(data.samples().size() > 10);
            for (Sample sample : data.samples()) {
                assertEquals(1, sample.ids()[0], "BOS");
            }
        }
    }

    @Test
    void eosIsLearned() throws IOException {
        Sample s = load("{\"prompt\": \"q\", \"completion\": \"a\"}", EncodingOptions.DEFAULT, Dataset.BadRows.STOP).samples().getFirst();
        assertArrayEquals(new int[] {Sample.IGNORED, 'a', EOS}, s.labels());
    }
}
