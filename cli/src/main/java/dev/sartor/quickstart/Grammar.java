package dev.sartor.quickstart;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;

/**
 * A tiny text grammar. In a template {@code [a|b|c]} is a choice (choices may nest, an empty one is allowed)
 * and {@code {key}} is replaced by a value, which is a template itself if it starts with '~'. Afterwards "a" becomes "an" before a vowel and sentences start with a capital.
 */
public final class Grammar {
    private static final Pattern BLANKS = Pattern.compile(" +");
    private static final Pattern BLANK_BEFORE_MARK = Pattern.compile(" ([.,!?;:])");
    // "one" and "once" begin with a consonant sound, and so do "use" and its kin.
    private static final Pattern A_BEFORE_VOWEL = Pattern.compile("\\b([Aa]) (?=[aeioAEIO](?!ne\\b|nce\\b)|u(?!s[eu]))");

    private final Random random;

    /** @param random java.util.Random, whose algorithm the Java specification fixes, so that texts are the same everywhere */
    public Grammar(Random random) { this.random = random; }

    public Random random() { return random; }
    public boolean chance(double p) { return random.nextDouble() < p; }
    public int between(int low, int highInclusive) { return low + random.nextInt(highInclusive - low + 1); }
    public <T> T pick(List<T> from) { return from.get(random.nextInt(from.size())); }
    @SafeVarargs
    public final <T> T pick(T... from) { return from[random.nextInt(from.length)]; }

    /** {@code n} different elements in random order. */
    public <T> List<T> sample(List<T> from, int n) {
        List<T> all = new java.util.ArrayList<>(from);
        java.util.Collections.shuffle(all, random);
        return all.subList(0, n);
    }

    /**
     * Expands a template.
     * @throws IllegalArgumentException for an unknown key or unbalanced brackets, naming the template
     */
    public String expand(String template, Map<String, String> values) {
        StringBuilder out = new StringBuilder();
        int end = expand(template, 0, values, out, true);
        if (end != template.length()) throw new IllegalArgumentException("stray ']' or '|' at " + end + " in: " + template);
        return finish(out.toString());
    }

    // Expands from `at` until the end of the template or an unbalanced '|' or ']'; returns where it stopped.
    private int expand(String t, int at, Map<String, String> values, StringBuilder out, boolean live) {
        while (at < t.length()) {
            char c = t.charAt(at);
            if (c == '|' || c == ']') return at;
            if (c == '[') {
                int chosen = live ? random.nextInt(count(t, at)) : -1;
                int option = 0;
                do {
                    at = expand(t, at + 1, values, out, live && option == chosen);
                    if (at >= t.length()) throw new IllegalArgumentException("'[' without ']' in: " + t);
                    option++;
                } while (t.charAt(at) == '|');
                at++;
            } else if (c == '{') {
                int close = t.indexOf('}', at);
                if (close < 0) throw new IllegalArgumentException("'{' without '}' in: " + t);
                if (live) {
                    String v = values.get(t.substring(at + 1, close));
                    if (v == null) throw new IllegalArgumentException("no value for " + t.substring(at, close + 1) + " in: " + t);
                    // A value that starts with '~' is itself a template, expanded anew at each use.
                    if (v.startsWith("~")) expand(v, 1, values, out, true); else out.append(v);
                }
                at = close + 1;
            } else {
                if (live) out.append(c);
                at++;
            }
        }
        return at;
    }

    private static int count(String t, int open) {
        int depth = 0, n = 1;
        for (int i = open; i < t.length(); i++) {
            char c = t.charAt(i);
            if (c == '[') depth++;
            else if (c == ']' && --depth == 0) return n;
            else if (c == '|' && depth == 1) n++;
        }
        throw new IllegalArgumentException("'[' without ']' in: " + t);
    }

    /** Spaces, articles and capitals put right. */
    static String finish(String s) {
        s = BLANKS.matcher(s).replaceAll(" ");
        s = BLANK_BEFORE_MARK.matcher(s).replaceAll("$1").strip();
        s = A_BEFORE_VOWEL.matcher(s).replaceAll("$1n ");
        StringBuilder out = new StringBuilder(s);
        boolean start = true;
        for (int i = 0; i < out.length(); i++) {
            char c = out.charAt(i);
            if (Character.isLetter(c)) {
                if (start) out.setCharAt(i, Character.toUpperCase(c));
                start = false;
            } else if (c == '.' || c == '\n') {
                start = true;
            } else if ((c == '!' || c == '?') && !(i + 1 < out.length() && out.charAt(i + 1) == '"')) {
                start = true; // after a quotation that ends in '!' or '?' the sentence goes on ("...?" asked Odo)
            }
        }
        return out.toString();
    }

    /** "a needle", "an oven". */
    public static String a(String noun) { return ("aeio".indexOf(Character.toLowerCase(noun.charAt(0))) >= 0 ? "an " : "a ") + noun; }

    public static String capital(String s) { return Character.toUpperCase(s.charAt(0)) + s.substring(1); }

    /** "a, b and c". */
    public static String list(List<String> items) {
        if (items.size() == 1) return items.getFirst();
        return String.join(", ", items.subList(0, items.size() - 1)) + " and " + items.getLast();
    }
}
