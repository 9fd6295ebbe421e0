package dev.sartor.io;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Suggestions for a misspelt name. */
public final class Nearest {

    private Nearest() {
    }

    /** The candidates that look most like the word, best first; at most {@code count}. */
    public static List<String> to(String word, Collection<String> candidates, int count) {
        return candidates.stream()
                .distinct()
                .sorted(Comparator.<String>comparingInt(candidate -> distance(word, candidate)).thenComparing(Comparator.naturalOrder()))
                .limit(count)
                .toList();
    }

    /** Levenshtein's distance: insertions, deletions and replacements of one character. */
    static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, Math.min(previous[j], row[j - 1]) + 1);
            }
            previous = row;
        }
        return previous[b.length()];
    }
}
