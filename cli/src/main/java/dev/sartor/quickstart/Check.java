package dev.sartor.quickstart;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** When an answer counts as right. Every rule is strict: a right answer followed by more text is wrong. */
public sealed interface Check {
    boolean holds(String answer);

    /** The answer is this text, character for character (outer blanks aside). */
    record Exact(String text) implements Check {
        @Override public boolean holds(String answer) { return answer.strip().equals(text); }
    }

    /** "Red, blue and green.": {@code count} different members of a category of {@link Words#CATEGORIES}. */
    record Members(String category, int count) implements Check {
        @Override public boolean holds(String answer) {
            String s = answer.strip();
            if (!s.endsWith(".")) return false;
            List<String> items = Arrays.stream(s.substring(0, s.length() - 1).split(", | and ")).map(i -> i.strip().toLowerCase()).toList();
            Set<String> distinct = new HashSet<>(items);
            return items.size() == count && distinct.size() == count && Words.CATEGORIES.get(category).containsAll(distinct);
        }
    }

    /** "Hat rhymes with cat.": a word of the same rhyme family. */
    record RhymeWord(String word) implements Check {
        @Override public boolean holds(String answer) {
            String s = answer.strip(), tail = " rhymes with " + word + ".";
            return s.endsWith(tail) && Words.rhyming(word).contains(s.substring(0, s.length() - tail.length()).toLowerCase());
        }
    }

    /** One line of verse whose last word rhymes with the given word. */
    record RhymeLine(String word) implements Check {
        @Override public boolean holds(String answer) {
            String s = answer.strip();
            if (!s.endsWith(".") || s.contains("\n") || s.split(" ").length < 4 || s.split(" ").length > 12) return false;
            String last = s.substring(s.lastIndexOf(' ') + 1, s.length() - 1);
            return Words.rhyming(word).contains(last.toLowerCase());
        }
    }

    /** A few sentences that hold all the given parts and end as a sentence does. */
    record Prose(List<String> parts, int leastSentences, int mostWords) implements Check {
        @Override public boolean holds(String answer) {
            String s = answer.strip();
            if (!s.matches("(?s).*[.!?]\"?")) return false;
            return parts.stream().allMatch(s::contains) && s.split("[.!?]+\"?(\\s|$)").length >= leastSentences && s.split("\\s+").length <= mostWords;
        }
    }
}
