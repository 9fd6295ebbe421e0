package dev.sartor.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.data.EncodingOptions.TruncationMode;
import dev.sartor.io.Json;
import dev.sartor.text.TinyTokenizers;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** The same ids, labels and packing as TRL's SFTTrainer made when trl.json was written. */
class TrlTest {

    @TempDir
    static Path dir;

    private static JsonNode golden;

    @BeforeAll
    static void prepare() throws IOException {
        try (InputStream in = TrlTest.class.getResourceAsStream("trl.json")) {
            golden = Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), "trl.json");
        }
        for (boolean marked : new boolean[] {true, false}) {
            Path tokenizer = Files.createDirectories(dir.resolve(marked ? "marked" : "unmarked"));
            TinyTokenizers.byteLevel(tokenizer, TinyTokenizers.chatMl(marked));
        }
    }

    @TestFactory
    List<DynamicTest> samples() {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode each : golden.get("cases")) {
            tests.add(DynamicTest.dynamicTest(each.get("name").stringValue(), () -> check(each, each.get("tokenizer").stringValue())));
            if (each.get("tokenizer").stringValue().equals("marked")) {
                tests.add(DynamicTest.dynamicTest(each.get("name").stringValue() + ", without marks", () -> check(each, "unmarked")));
            }
        }
        return tests;
    }

    private static void check(JsonNode each, String tokenizerName) throws IOException {
        JsonNode given = each.get("options");
        EncodingOptions options = EncodingOptions.DEFAULT.withAssistantOnlyLoss(given.path("assistant_only_loss").asBoolean(false));
        if (given.path("max_length").isInt()) {
            options = options.withMaxLength(given.get("max_length").intValue());
        }
        if (given.has("completion_only_loss")) {
            options = options.withCompletionOnlyLoss(given.get("completion_only_loss").booleanValue());
        }
        if (given.path("truncation_mode").asString("").equals("keep_end")) {
            options = options.withTruncationMode(TruncationMode.KEEP_END);
        }
        Path file = Files.createTempFile(dir, "rows", ".jsonl");
        Files.write(file, StreamSupport.stream(each.get("rows").spliterator(), false).map(Json::compact).toList());
        try (Tokenizer tokenizer = Tokenizer.open(dir.resolve(tokenizerName))) {
            Dataset data = Dataset.load(List.of(file), new RowEncoder(tokenizer, tokenizer.chatTemplate(), options), "text", Dataset.BadRows.STOP);
            List<String> expected = new ArrayList<>();
            each.get("samples").forEach(s -> expected.add(s.get("ids") + "|" + s.get("labels")));
            assertEquals(expected, data.samples().stream().map(s -> list(s.ids()) + "|" + list(s.labels())).toList());
        }
    }

    private static String list(int[] values) {
        return Arrays.toString(values).replace(" ", "");
    }

    @ParameterizedTest
    @EnumSource(value = Packing.class, names = {"BFD", "WRAPPED"})
    void packing(Packing packing) {
        JsonNode given = golden.get("packing");
        List<Sample> samples = new ArrayList<>();
        int at = 0;
        for (JsonNode length : given.get("lengths")) {
            int[] ids = new int[length.intValue()];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = at++;
            }
            samples.add(Sample.all(ids));
        }
        List<String> rows = packing.pack(samples, given.get("length").intValue()).stream()
                .map(row -> list(row.stream().flatMapToInt(s -> Arrays.stream(s.ids())).toArray())).toList();
        List<String> expected = new ArrayList<>();
        given.get(packing.name().toLowerCase(java.util.Locale.ROOT)).forEach(row -> expected.add(row.toString()));
        assertEquals(expected, rows);
    }

    @Test
    void theGoldenIsWhole() {
        assertEquals(10, golden.get("cases").size());
    }
}
