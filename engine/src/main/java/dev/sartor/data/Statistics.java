package dev.sartor.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What became of the data, for the user to see before training.
 *
 * @param rows           rows read
 * @param badRows        rows left out because they cannot be used
 * @param emptied        rows left out because cutting left nothing to learn
 * @param samples        samples kept
 * @param tokens         their tokens
 * @param learned        tokens learned
 * @param truncated      rows cut at {@code max_length}
 * @param cutTokens      tokens that went by cutting, those of emptied rows too
 * @param boundaryMerged rows in which a token reaches from the prompt into the completion
 * @param endless        completions, texts or turns with no EOS at their end
 * @param lengths        shortest, median, 90th and 99th percentile, longest sample; zeros if there is none
 */
public record Statistics(long rows, long badRows, long emptied, long samples, long tokens, long learned, long truncated,
        long cutTokens, long boundaryMerged, long endless, Lengths lengths) {

    /** Tokens of samples: percentiles are nearest-rank. */
    public record Lengths(int shortest, int median, int p90, int p99, int longest) {

        static Lengths of(List<Sample> samples) {
            if (samples.isEmpty()) {
                return new Lengths(0, 0, 0, 0, 0);
            }
            int[] sorted = samples.stream().mapToInt(Sample::length).sorted().toArray();
            return new Lengths(sorted[0], rank(sorted, 50), rank(sorted, 90), rank(sorted, 99), sorted[sorted.length - 1]);
        }

        private static int rank(int[] sorted, int percent) {
            return sorted[(int) ((sorted.length * (long) percent + 99) / 100) - 1];
        }
    }

    /** What a user should know before going on; empty if all is well. */
    public List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (badRows > 0) {
            warnings.add(count(badRows, "row") + " left out: they cannot be used");
        }
        if (emptied > 0) {
            warnings.add(count(emptied, "row") + " left out: cut at max_length, they have nothing left to learn");
        }
        if (truncated > 0) {
            warnings.add(count(truncated, "row") + " cut at max_length, " + count(cutTokens, "token") + " lost");
        }
        if (endless > 0) {
            warnings.add(count(endless, "text") + " without an end-of-sequence token at the end: the model may not learn to stop");
        }
        if (boundaryMerged > 0) {
            warnings.add(count(boundaryMerged, "row") + " where a token reaches from the prompt into the completion (a blank between them?): it is learned");
        }
        return warnings;
    }

    /** One line of figures. */
    public String summary() {
        return String.format(Locale.ROOT, "%s, %s (%.1f %% learned), lengths %d to %d (median %d, 90 %% within %d, 99 %% within %d)",
                count(samples, "sample"), count(tokens, "token"), tokens == 0 ? 0.0 : 100.0 * learned / tokens,
                lengths.shortest, lengths.longest, lengths.median, lengths.p90, lengths.p99);
    }

    private static String count(long n, String what) {
        return String.format(Locale.ROOT, "%,d %s%s", n, what, n == 1 ? "" : "s");
    }

    static Statistics of(long rows, long badRows, long emptied, List<Sample> samples, List<RowEncoder.Encoded> all) {
        return new Statistics(rows, badRows, emptied, samples.size(), samples.stream().mapToLong(Sample::length).sum(),
                samples.stream().mapToLong(Sample::learned).sum(), all.stream().filter(e -> e.cut() > 0).count(),
                all.stream().mapToLong(RowEncoder.Encoded::cut).sum(), all.stream().filter(RowEncoder.Encoded::boundaryMerged).count(),
                all.stream().mapToLong(RowEncoder.Encoded::endless).sum(), Lengths.of(samples));
    }

    @Override
    public String toString() {
        return String.join("\n", summary(), String.join("\n", warnings())).stripTrailing();
    }
}
