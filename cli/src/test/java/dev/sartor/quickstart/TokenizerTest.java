package dev.sartor.quickstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The BPE trainer and the tokenizer it made, read by the Hugging Face library. */
class TokenizerTest {
    private static final List<String> TEXTS = texts();

    private static List<String> texts() {
        List<String> out = new ArrayList<>();
        Corpus.generate(21, 200, out::add);
        out.add(String.join("\n\n", out.subList(0, 20))); // longer than the library's own limit of 512 tokens
        out.addAll(List.of("", " ", "a", "  two  blanks ", "Tab\tand\n\nlines \n", "Über naïve çà, 東京 и мир 🧵", "don't we'll I'm 12345 3.5", "\u0000\u007f\u00ad", "x".repeat(300)));
        return out;
    }

    private static HuggingFaceTokenizer committed() throws Exception {
        byte[] bytes = InstructionsTest.resource("tokenizer.json").getBytes(StandardCharsets.UTF_8);
        return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(bytes), Map.of("addSpecialTokens", "false", "truncation", "false"));
    }

    @Test
    void committedFilesAreTheTrainedOnes() throws Exception {
        assertEquals(InstructionsTest.resource("tokenizer.json"), Tokenizer.json(Tokenizer.train()));
        assertEquals(InstructionsTest.resource("tokenizer_config.json"), Tokenizer.configJson());
    }

    @Test
    void roundTrip() throws Exception {
        try (HuggingFaceTokenizer t = committed()) {
            for (String text : TEXTS) assertEquals(text, t.decode(t.encode(text, false, false).getIds(), true));
        }
    }

    /** The library's ids are those of the definition: lowest merge first, over and over, in each piece. */
    @Test
    void idsFollowTheMerges() throws Exception {
        BpeTrainer.Vocabulary v = Tokenizer.train();
        Map<String, Integer> rank = new HashMap<>(), id = new HashMap<>();
        for (int i = 0; i < v.merges().size(); i++) rank.put(v.merges().get(i).left() + " " + v.merges().get(i).right(), i);
        for (int i = 0; i < v.tokens().size(); i++) id.put(v.tokens().get(i), i);
        assertEquals(Tokenizer.SIZE, id.size());
        String[] visible = BpeTrainer.visibleBytes();
        try (HuggingFaceTokenizer t = committed()) {
            for (String text : TEXTS) {
                List<Long> ids = new ArrayList<>();
                var m = BpeTrainer.PIECES.matcher(text);
                while (m.find()) {
                    List<String> s = new ArrayList<>();
                    for (byte b : m.group().getBytes(StandardCharsets.UTF_8)) s.add(visible[b & 0xff]);
                    while (true) {
                        int best = -1, bestRank = Integer.MAX_VALUE;
                        for (int i = 0; i + 1 < s.size(); i++) {
                            int r = rank.getOrDefault(s.get(i) + " " + s.get(i + 1), Integer.MAX_VALUE);
                            if (r < bestRank) {
                                best = i;
                                bestRank = r;
                            }
                        }
                        if (best < 0) break;
                        s.set(best, s.get(best) + s.remove(best + 1));
                    }
                    s.forEach(symbol -> ids.add((long) id.get(symbol)));
                }
                assertArrayEquals(ids.stream().mapToLong(Long::longValue).toArray(), t.encode(text, false, false).getIds(), text);
            }
        }
    }

    @Test
    void specialTokensAreOneIdEach() throws Exception {
        try (HuggingFaceTokenizer t = committed()) {
            for (int i = 0; i < Tokenizer.SPECIAL.size(); i++) {
                assertArrayEquals(new long[] {i}, t.encode(Tokenizer.SPECIAL.get(i), false, false).getIds());
            }
            long[] ids = t.encode("<|begin|><|user|>Who is Odo?<|assistant|>", false, false).getIds();
            assertEquals(List.of(1L, 3L), List.of(ids[0], ids[1]));
            assertEquals(4L, ids[ids.length - 1]);
        }
    }

    @Test
    void mostFrequentPairIsMergedFirst() {
        BpeTrainer trainer = new BpeTrainer();
        trainer.add("lowlow low low hell");
        BpeTrainer.Vocabulary v = trainer.train(1 + 256 + 3, List.of("<s>"));
        // "lo" 4 times against "ow" 4 times: the tie goes to the smaller text; then "low", then " low" (the Ġ is a blank).
        assertEquals(List.of(new BpeTrainer.Merge("l", "o"), new BpeTrainer.Merge("lo", "w"), new BpeTrainer.Merge("Ġ", "low")), v.merges());
        assertEquals("<s>", v.tokens().getFirst());
        assertEquals(260, v.tokens().size());
    }

    @Test
    void aSmallTextEndsEarlyAndATooSmallVocabularyIsRefused() {
        BpeTrainer trainer = new BpeTrainer();
        trainer.add("ab ab");
        assertTrue(trainer.train(1000, List.of()).tokens().size() < 1000);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> trainer.train(200, List.of())).getMessage().contains("256 bytes"));
    }
}
