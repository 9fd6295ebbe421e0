package dev.sartor.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.text.TinyTokenizers;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Text encoded in pieces has the tokens of the whole. */
class LongTextTest {
    private static final String[] WORDS = {
        "hello", "hell", "he", "shell", "a", " ", "  ", "\n", "\n\n", "\t", "é", "日本語", "🙂🙂", "12", "...", "<|im_end|>", "aaaa"};

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void piecesJoin(boolean sentencePiece) throws IOException {
        if (sentencePiece) {
            TinyTokenizers.sentencePiece(directory);
        } else {
            TinyTokenizers.byteLevel(directory, null);
        }
        try (var tokenizer = Tokenizer.open(directory)) {
            for (int seed = 0; seed < 20; seed++) {
                var random = new Random(seed);
                var text = random.ints(400 + random.nextInt(400), 0, WORDS.length).mapToObj(i -> WORDS[i] + (random.nextInt(3) == 0 ? "" : " "))
                        .collect(Collectors.joining());
                int[] whole = tokenizer.encode(text, false);
                assertArrayEquals(whole, LongText.encode(tokenizer, text, 300, 150, 8), "seed " + seed);
                assertArrayEquals(whole, LongText.encode(tokenizer, text), "seed " + seed);
            }
            // One endless word has nowhere to be joined until a piece holds all of it.
            var endless = "he".repeat(700);
            assertTrue(endless.length() > 300);
            assertArrayEquals(tokenizer.encode(endless, false), LongText.encode(tokenizer, endless, 300, 20, 16));
        }
    }
}
