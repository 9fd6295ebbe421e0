package dev.sartor.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The pretraining corpus: the same bytes everywhere, clean English, in agreement with the world. */
class CorpusTest {
    private static List<String> documents(long seed, int n) {
        List<String> out = new ArrayList<>();
        Corpus.generate(seed, n, out::add);
        return out;
    }

    static String sha256(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void sameSeedSameText() throws Exception {
        String text = String.join("\n\n", documents(Corpus.SEED, 2000));
        assertEquals(text, String.join("\n\n", documents(Corpus.SEED, 2000)));
        assertNotEquals(text, String.join("\n\n", documents(Corpus.SEED + 1, 2000)));
        // The base model in the repository was pretrained on this very text: whoever changes it must pretrain anew.
        assertEquals("cb5599d4d96126e3e25a3eca0e786056b7b62ac29deb0a3f919e035aafab9487", sha256(text));
    }

    @Test
    void textIsClean() {
        Pattern wrong = Pattern.compile("[\\[\\]{}|~]|  |\\b[Aa] [aeioAEIO](?!ne\\b|nce\\b)|\\b[Aa]n (?!hour)[^aeiouAEIOU]| [.,!?;:]|[.,]{2}|\\b(a|an|the) (a|an|the)\\b|[!?],|[.!?]\"[.]");
        for (String text : documents(3, 5000)) {
            assertFalse(wrong.matcher(text).find(), () -> "in: " + text);
            for (String paragraph : text.split("\n")) {
                assertEquals(0, paragraph.chars().filter(c -> c == '"').count() % 2, () -> "quotes do not pair in: " + paragraph);
                // Every sentence begins with a capital.
                assertFalse(Pattern.compile("(^|[.] )\"?[a-z]").matcher(paragraph).find() && !text.contains(",\n"), () -> "no capital in: " + paragraph);
            }
            assertTrue(text.matches("(?s).*[.!?]\"?"), () -> "no end in: " + text);
        }
    }

    @Test
    void documentsAreManifold() {
        List<String> texts = documents(5, 5000);
        Set<String> different = new HashSet<>(texts);
        assertTrue(different.size() > 4700, "only " + different.size() + " of 5000 documents differ");
    }

    /** Whatever a text says about where somebody lives or works agrees with the tables. */
    @Test
    void factsAgreeWithTheWorld() {
        Pattern lives = Pattern.compile("\\b([A-Z][a-z]+) lives in ((?:Needle|Bridge) Street|(?:Spool|Wool) Lane|Button Row|(?:Mill|Orchard) Road|Well Square)");
        Pattern keeps = Pattern.compile("\\b([A-Z][a-z]+) keeps an? ([a-z]+)");
        Set<String> names = new HashSet<>(World.PEOPLE.stream().map(World.Person::name).toList());
        int seen = 0;
        for (String text : documents(9, 3000)) {
            var m = lives.matcher(text);
            while (m.find()) {
                if (!names.contains(m.group(1))) continue;
                assertEquals(World.person(m.group(1)).street(), m.group(2), text);
                seen++;
            }
            m = keeps.matcher(text);
            while (m.find()) {
                if (!names.contains(m.group(1))) continue;
                assertEquals(World.person(m.group(1)).pet(), m.group(2), text);
                seen++;
            }
        }
        assertTrue(seen > 500, "only " + seen + " statements seen");
    }

    @Test
    void theWorldHasNoDoubles() {
        assertEquals(World.PEOPLE.size(), World.PEOPLE.stream().map(World.Person::name).distinct().count());
        List<String> opposites = Words.OPPOSITES.stream().flatMap(java.util.Arrays::stream).toList();
        assertEquals(opposites.size(), new HashSet<>(opposites).size());
        List<String> members = Words.CATEGORIES.values().stream().flatMap(List::stream).toList();
        assertEquals(members.size(), new HashSet<>(members).size());
        List<String> rhymes = Words.RHYMES.stream().flatMap(List::stream).toList();
        assertEquals(rhymes.size(), new HashSet<>(rhymes).size());
        for (String word : rhymes) assertTrue(Verse.line(word).endsWith(" " + word));
    }

    @Test
    void grammar() {
        Grammar g = new Grammar(new Random(1));
        assertEquals("An oven and a hen.", g.expand("a {x} and a hen .", Map.of("x", "oven")));
        assertEquals("\"Why?\" he asked. Then it rained.", g.expand("\"why?\" he asked. then it rained.", Map.of()));
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 200; i++) seen.add(g.expand("[a [b|c]|d{x}]", Map.of("x", "~[1|2]")));
        assertEquals(Set.of("A b", "A c", "D1", "D2"), seen);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> g.expand("{nobody}", Map.of())).getMessage().contains("{nobody}"));
        assertThrows(IllegalArgumentException.class, () -> g.expand("[a|b", Map.of()));
        assertThrows(IllegalArgumentException.class, () -> g.expand("a]", Map.of()));
    }
}
