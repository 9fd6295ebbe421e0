package dev.sartor.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/** {@code packing_strategy}: how samples share rows. Attention and positions never reach from one sample into another. */
public enum Packing {

    /** A row a sample. */
    NONE {
        @Override
        public List<List<Sample>> pack(List<Sample> samples, int length) {
            requireFit(samples, length);
            return samples.stream().map(List::of).toList();
        }
    },

    /**
     * Best-fit decreasing: the longest first, each into the fullest row that still takes it, so that samples stay whole
     * ("Fewer Truncations Improve Language Modeling", 2024). Rows stand in the order in which they were begun, samples in a
     * row by falling length, equals in their order.
     */
    BFD {
        @Override
        public List<List<Sample>> pack(List<Sample> samples, int length) {
            requireFit(samples, length);
            List<Sample> longestFirst = new ArrayList<>(samples);
            longestFirst.sort(Comparator.comparingInt(Sample::length).reversed());
            List<List<Sample>> rows = new ArrayList<>();
            TreeMap<Integer, Deque<List<Sample>>> bySpace = new TreeMap<>();
            for (Sample sample : longestFirst) {
                var fit = bySpace.ceilingEntry(sample.length());
                List<Sample> row;
                int space = length;
                if (fit == null) {
                    row = new ArrayList<>();
                    rows.add(row);
                } else {
                    space = fit.getKey();
                    row = fit.getValue().removeFirst();
                    if (fit.getValue().isEmpty()) {
                        bySpace.remove(space);
                    }
                }
                row.add(sample);
                bySpace.computeIfAbsent(space - sample.length(), s -> new ArrayDeque<>()).addLast(row);
            }
            return rows;
        }
    },

    /**
     * One stream of samples cut at every {@code length} tokens: rows are full but for the last, and a sample over a cut goes
     * on in the next row as if it began there (its first token there is not learned).
     */
    WRAPPED {
        @Override
        public List<List<Sample>> pack(List<Sample> samples, int length) {
            List<List<Sample>> rows = new ArrayList<>();
            int filled = length;
            for (Sample sample : samples) {
                for (int from = 0; from < sample.length(); ) {
                    if (filled == length) {
                        rows.add(new ArrayList<>());
                        filled = 0;
                    }
                    int to = Math.min(sample.length(), from + length - filled);
                    rows.getLast().add(sample.slice(from, to));
                    filled += to - from;
                    from = to;
                }
            }
            rows.removeIf(row -> row.stream().allMatch(part -> part.learned() == 0));
            return rows;
        }
    };

    /**
     * Distributes samples over rows.
     *
     * @param length tokens of a row
     * @return rows, each the samples in it; together no longer than {@code length}
     * @throws IllegalArgumentException if a sample that must stay whole is longer than a row
     */
    public abstract List<List<Sample>> pack(List<Sample> samples, int length);

    /** By the names of TRL: {@code bfd} or {@code wrapped}. */
    public static Packing named(String name) {
        return switch (name) {
            case "bfd" -> BFD;
            case "wrapped" -> WRAPPED;
            default -> throw new IllegalArgumentException("packing_strategy: expected bfd or wrapped, found '" + name + "'");
        };
    }

    private static void requireFit(List<Sample> samples, int length) {
        for (Sample sample : samples) {
            if (sample.length() > length) {
                throw new IllegalArgumentException(String.format(Locale.ROOT,
                        "a sample of %d tokens does not fit a row of %d; encode with max_length=%d", sample.length(), length, length));
            }
        }
    }
}
