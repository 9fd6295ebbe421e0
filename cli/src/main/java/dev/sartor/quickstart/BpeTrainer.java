package dev.sartor.quickstart;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Trains a byte-level BPE vocabulary (Sennrich et al. 2016; bytes as symbols as in GPT-2, Radford et al. 2019).
 * Text is cut into pieces by GPT-2's pattern; starting from single bytes, the most frequent neighbouring pair is merged
 * until the vocabulary is full. Ties go to the pair whose texts come first in code point order, so equal input gives equal output.
 */
public final class BpeTrainer {
    /** GPT-2's pre-tokenization, the one that a Hugging Face ByteLevel pre-tokenizer applies with {@code use_regex}. */
    public static final Pattern PIECES = Pattern.compile(
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", Pattern.UNICODE_CHARACTER_CLASS);

    /** One merge, in GPT-2's visible byte characters. */
    public record Merge(String left, String right) {}

    /** @param tokens every token in the order of its id, special tokens first; @param merges in the order of their making */
    public record Vocabulary(List<String> special, List<String> tokens, List<Merge> merges) {}

    private record Pair(int left, int right) {}
    private record Candidate(Pair pair, long count) {}
    private static final class Word {
        int[] symbols;
        final long count;
        Word(int[] symbols, long count) { this.symbols = symbols; this.count = count; }
    }

    private final Map<String, Long> pieces = new HashMap<>();

    /** Counts the pieces of one document; special tokens have no place in training text. */
    public void add(String text) {
        Matcher m = PIECES.matcher(text);
        while (m.find()) pieces.merge(m.group(), 1L, Long::sum);
    }

    /**
     * @param size the number of tokens wanted, special tokens and 256 bytes included
     * @return fewer tokens than wanted only when no pair is left that occurs twice
     * @throws IllegalArgumentException when {@code size} leaves no room for the bytes
     */
    public Vocabulary train(int size, List<String> special) {
        if (size < special.size() + 256) {
            throw new IllegalArgumentException("vocabulary of " + size + " is too small: " + special.size() + " special tokens and 256 bytes are always in it");
        }
        List<String> symbols = new ArrayList<>(special);
        String[] visible = visibleBytes();
        int base = special.size();
        // Ids of bytes follow the order of their visible characters, as Hugging Face's trainer has it.
        List<String> alphabet = new ArrayList<>(List.of(visible));
        alphabet.sort(Comparator.naturalOrder());
        symbols.addAll(alphabet);
        Map<String, Integer> idOf = new HashMap<>();
        for (int i = base; i < symbols.size(); i++) idOf.put(symbols.get(i), i);

        List<Word> words = new ArrayList<>();
        for (Map.Entry<String, Long> e : pieces.entrySet().stream().sorted(Map.Entry.comparingByKey()).toList()) {
            byte[] bytes = e.getKey().getBytes(StandardCharsets.UTF_8);
            int[] s = new int[bytes.length];
            for (int i = 0; i < s.length; i++) s[i] = idOf.get(visible[bytes[i] & 0xff]);
            words.add(new Word(s, e.getValue()));
        }
        Map<Pair, Long> counts = new HashMap<>();
        Map<Pair, Set<Integer>> where = new HashMap<>();
        for (int w = 0; w < words.size(); w++) count(words.get(w), w, 1, counts, where);

        Comparator<Candidate> order = Comparator.comparingLong(Candidate::count).reversed()
            .thenComparing(c -> symbols.get(c.pair().left())).thenComparing(c -> symbols.get(c.pair().right()));
        PriorityQueue<Candidate> queue = new PriorityQueue<>(order);
        counts.forEach((p, n) -> queue.add(new Candidate(p, n)));
        List<Merge> merges = new ArrayList<>();
        Set<String> made = new HashSet<>(symbols);
        while (symbols.size() < size && !queue.isEmpty()) {
            Candidate top = queue.poll();
            long now = counts.getOrDefault(top.pair(), 0L);
            if (now != top.count()) { // an older count of this pair: its present one is put back in its place
                if (now > 0) queue.add(new Candidate(top.pair(), now));
                continue;
            }
            if (now < 2) break;
            String left = symbols.get(top.pair().left()), right = symbols.get(top.pair().right());
            if (!made.add(left + right)) { // two ways to one text would leave an id without a use
                counts.remove(top.pair());
                continue;
            }
            int id = symbols.size();
            symbols.add(left + right);
            merges.add(new Merge(left, right));
            Set<Pair> touched = new HashSet<>();
            for (int w : new ArrayList<>(where.getOrDefault(top.pair(), Set.of()))) {
                Word word = words.get(w);
                count(word, w, -1, counts, where);
                pairs(word, touched);
                word.symbols = merge(word.symbols, top.pair(), id);
                count(word, w, 1, counts, where);
                pairs(word, touched);
            }
            for (Pair p : touched) {
                Long n = counts.get(p);
                if (n != null && n > 0) queue.add(new Candidate(p, n));
            }
        }
        return new Vocabulary(List.copyOf(special), List.copyOf(symbols), List.copyOf(merges));
    }

    private static void pairs(Word word, Set<Pair> into) {
        for (int i = 0; i + 1 < word.symbols.length; i++) into.add(new Pair(word.symbols[i], word.symbols[i + 1]));
    }

    private static void count(Word word, int index, int sign, Map<Pair, Long> counts, Map<Pair, Set<Integer>> where) {
        for (int i = 0; i + 1 < word.symbols.length; i++) {
            Pair p = new Pair(word.symbols[i], word.symbols[i + 1]);
            counts.merge(p, sign * word.count, Long::sum);
            if (sign > 0) where.computeIfAbsent(p, k -> new HashSet<>()).add(index);
            else if (where.containsKey(p)) where.get(p).remove(index);
        }
    }

    private static int[] merge(int[] s, Pair pair, int id) {
        int[] out = new int[s.length];
        int n = 0;
        for (int i = 0; i < s.length; i++) {
            if (i + 1 < s.length && s[i] == pair.left() && s[i + 1] == pair.right()) {
                out[n++] = id;
                i++;
            } else out[n++] = s[i];
        }
        return java.util.Arrays.copyOf(out, n);
    }

    /** GPT-2's map from a byte to a visible character: printable ones stand for themselves, the others from U+0100 on. */
    static String[] visibleBytes() {
        String[] out = new String[256];
        int next = 0;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
            out[b] = String.valueOf((char) (printable ? b : 256 + next++));
        }
        return out;
    }
}
