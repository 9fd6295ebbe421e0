package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Sample;
import dev.sartor.tensor.DType;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Draws tokens, as Transformers' logits warpers do. Candidates are sorted by logit, the lower index
 * first on ties; top_k cuts the list, but keeps what ties with its last; then the shortest start of
 * it whose probability at the given temperature reaches top_p is kept (Holtzman et al. 2020), and the
 * first candidate is drawn whose running sum exceeds u times the sum of what is kept. u is element r
 * of site 0's stream for row r.
 */
final class Sampler {
    private Sampler() {}

    static void sample(Sample k, Operands use) {
        int vocabulary = use.size(k.logits().shape().last());
        int rows = use.rows("logits", k.logits(), vocabulary);
        double[] logits = use.read("logits", k.logits());
        use.requireElements("tokens", k.tokens(), rows);
        use.require(k.tokens().dtype() == DType.INT32, "tokens is " + k.tokens().spec() + ", expected int32");
        use.require(k.temperature() >= 0, "temperature " + k.temperature() + " is negative");
        use.require(k.topP() > 0 && k.topP() <= 1, "top_p " + k.topP() + " is not in (0, 1]");
        var logProbs = new double[rows];
        for (int r = 0; r < rows; r++) {
            int from = r * vocabulary;
            int[] candidates = IntStream.range(0, vocabulary)
                    .boxed()
                    .sorted(Comparator.comparingDouble(token -> -logits[from + token]))
                    .mapToInt(token -> token)
                    .toArray();
            double largest = logits[from + candidates[0]];
            use.require(Double.isFinite(largest) && IntStream.range(0, vocabulary).noneMatch(i -> Double.isNaN(logits[from + i])),
                    "logits of row " + r + " hold NaN or +inf, or are all -inf");
            int token = k.temperature() == 0
                    ? candidates[0]
                    : draw(logits, from, candidates, k, use.generator(k.rng(), 0).uniform(r));
            double sum = 0;
            for (int i = 0; i < vocabulary; i++) {
                sum += Math.exp(logits[from + i] - largest);
            }
            logProbs[r] = logits[from + token] - largest - Math.log(sum);
            use.segment(k.tokens()).set(ValueLayout.JAVA_INT_UNALIGNED, r * 4L, token);
        }
        use.write("logProbs", k.logProbs(), logProbs);
    }

    private static int draw(double[] logits, int from, int[] candidates, Sample k, double uniform) {
        int count = k.topK() > 0 ? Math.min(k.topK(), candidates.length) : candidates.length;
        while (count < candidates.length && logits[from + candidates[count]] == logits[from + candidates[count - 1]]) {
            count++;
        }
        var weights = new double[count];
        double total = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = Math.exp((logits[from + candidates[i]] - logits[from + candidates[0]]) / k.temperature());
            total += weights[i];
        }
        double kept = 0;
        int last = 0;
        for (int i = 0; i < count && weights[i] > 0 && (i == 0 || k.topP() == 1 || kept < k.topP() * total); i++) {
            kept += weights[i];
            last = i;
        }
        double running = 0;
        for (int i = 0; i < last; i++) {
            running += weights[i];
            if (running > uniform * kept) {
                return candidates[i];
            }
        }
        return candidates[last];
    }
}
