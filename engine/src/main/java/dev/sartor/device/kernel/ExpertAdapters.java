package dev.sartor.device.kernel;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Which adapter each expert of a mixture has. Experts that share one are neighbours.
 *
 * @param ofExpert for each expert an adapter's number from 0, or {@link #NONE}
 */
public record ExpertAdapters(List<Integer> ofExpert) {
    public static final int NONE = -1;

    public ExpertAdapters {
        ofExpert = List.copyOf(ofExpert);
    }

    /** To each expert its own. */
    public static ExpertAdapters each(int experts) {
        return new ExpertAdapters(IntStream.range(0, experts).boxed().toList());
    }

    /** One for all. */
    public static ExpertAdapters shared(int experts) {
        return new ExpertAdapters(IntStream.range(0, experts).map(e -> 0).boxed().toList());
    }

    /** To each of the chosen its own, in ascending order. */
    public static ExpertAdapters chosen(int experts, List<Integer> chosen) {
        var sorted = chosen.stream().distinct().sorted().toList();
        for (int expert : sorted) {
            if (expert < 0 || expert >= experts) {
                throw new IllegalArgumentException("expert " + expert + " is not in [0, " + experts + ")");
            }
        }
        return new ExpertAdapters(IntStream.range(0, experts).map(sorted::indexOf).boxed().toList());
    }

    /** How many adapters there are. */
    public int count() {
        return ofExpert.stream().mapToInt(a -> a).max().orElse(NONE) + 1;
    }
}
