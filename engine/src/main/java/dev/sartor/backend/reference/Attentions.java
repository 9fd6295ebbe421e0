package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;

/** Softmax attention, one query and one head at a time, with every score in view. */
final class Attentions {
    private Attentions() {}

    static void forward(Attention k, Operands use) {
        var problem = new Problem(k.q(), k.k(), k.v(), k.keyBegin(), k.keyEnd(), k.headDim(), k.window(), k.scale(), k.softcap(), use);
        var o = new double[problem.q.length];
        var logSumExp = new double[problem.batch * problem.heads * problem.queries];
        problem.forEachQuery(query -> {
            logSumExp[query.statistic] = query.logSumExp;
            for (int j = query.begin; j < query.end; j++) {
                int value = problem.key(query, j);
                for (int d = 0; d < problem.headDim; d++) {
                    o[query.at + d] += query.probabilities[j] * problem.v[value + d];
                }
            }
        });
        use.write("logSumExp", k.logSumExp(), logSumExp);
        use.write("o", k.o(), o);
    }

    static void backward(AttentionBackward k, Operands use) {
        var problem = new Problem(k.q(), k.k(), k.v(), k.keyBegin(), k.keyEnd(), k.headDim(), k.window(), k.scale(), k.softcap(), use);
        double[] dO = use.read("dO", k.dO(), problem.q.length);
        double[] logSumExp = use.read("logSumExp", k.logSumExp(), (long) problem.batch * problem.heads * problem.queries);
        var dq = new double[problem.q.length];
        var dk = new double[problem.k.length];
        var dv = new double[problem.v.length];
        problem.forEachQuery(query -> {
            var dProbability = new double[problem.keys];
            double mean = 0;
            // A sink has taken its part of what the keys had.
            double left = Math.exp(query.logSumExp - logSumExp[query.statistic]);
            Arrays.setAll(query.probabilities, j -> query.probabilities[j] * left);
            for (int j = query.begin; j < query.end; j++) {
                int key = problem.key(query, j);
                for (int d = 0; d < problem.headDim; d++) {
                    dv[key + d] += query.probabilities[j] * dO[query.at + d];
                    dProbability[j] += dO[query.at + d] * problem.v[key + d];
                }
                mean += query.probabilities[j] * dProbability[j];
            }
            for (int j = query.begin; j < query.end; j++) {
                int key = problem.key(query, j);
                double dScore = query.probabilities[j] * (dProbability[j] - mean);
                double dDot = dScore * Softcap.derivative(query.scores[j], problem.softcap) * problem.scale;
                for (int d = 0; d < problem.headDim; d++) {
                    dq[query.at + d] += dDot * problem.k[key + d];
                    dk[key + d] += dDot * problem.q[query.at + d];
                }
            }
        });
        use.write("dq", k.dq(), dq, false);
        use.write("dk", k.dk(), dk, false);
        use.write("dv", k.dv(), dv, false);
    }

    /** One query of one head with its row of the attention matrix. Scores are after the soft cap. */
    private static final class Query {
        int batch;
        int group;
        int at;
        int statistic;
        int begin;
        int end;
        double[] scores;
        double[] probabilities;
        double logSumExp;
    }

    private static final class Problem {
        final int batch;
        final int queries;
        final int keys;
        final int heads;
        final int keyHeads;
        final int headDim;
        final int window;
        final double scale;
        final double softcap;
        final double[] q;
        final double[] k;
        final double[] v;
        final int[] begin;
        final int[] end;

        Problem(Columns q, Columns k, Columns v, Tensor keyBegin, Tensor keyEnd, int headDim, int window, float scale,
                float softcap, Operands use) {
            this.headDim = headDim;
            this.window = window;
            this.scale = scale;
            this.softcap = softcap;
            use.require(headDim > 0 && q.count() % headDim == 0 && k.count() % headDim == 0 && k.count() > 0,
                    "q has " + q.count() + " and k " + k.count() + " columns, not numbers of heads of " + headDim);
            heads = use.size(q.count() / headDim);
            keyHeads = use.size(k.count() / headDim);
            use.require(heads % keyHeads == 0, keyHeads + " key heads do not divide " + heads + " heads");
            use.require(keyBegin.shape().rank() == 2, "keyBegin is " + keyBegin.spec() + ", expected [batch, length]");
            batch = use.size(keyBegin.shape().dim(0));
            queries = use.size(keyBegin.shape().dim(1));
            use.require(q.rows() == (long) batch * queries,
                    "q has " + q.rows() + " rows, expected " + batch + " x " + queries);
            use.require(batch > 0 && k.rows() % batch == 0, "k has " + k.rows() + " rows for a batch of " + batch);
            use.require(v.rows() == k.rows() && v.count() == k.count(), "v differs from k in shape");
            keys = use.size(k.rows() / batch);
            begin = use.readInts("keyBegin", keyBegin, (long) batch * queries);
            end = use.readInts("keyEnd", keyEnd, (long) batch * queries);
            for (int i = 0; i < end.length; i++) {
                use.requireIndex("keyBegin", i, begin[i], keys + 1L);
                use.requireIndex("keyEnd", i, end[i], keys + 1L);
            }
            this.q = use.read("q", q);
            this.k = use.read("k", k);
            this.v = use.read("v", v);
        }

        /** Where key (and value) j of a query's head begins. */
        int key(Query query, int j) {
            return ((query.batch * keys + j) * keyHeads + query.group) * headDim;
        }

        void forEachQuery(java.util.function.Consumer<Query> action) {
            for (int b = 0; b < batch; b++) {
                for (int i = 0; i < queries; i++) {
                    for (int head = 0; head < heads; head++) {
                        action.accept(query(b, i, head));
                    }
                }
            }
        }

        private Query query(int b, int i, int head) {
            var query = new Query();
            query.batch = b;
            query.group = head / (heads / keyHeads);
            query.at = ((b * queries + i) * heads + head) * headDim;
            query.statistic = (b * heads + head) * queries + i;
            query.end = end[b * queries + i];
            query.begin = window > 0
                    ? Math.max(begin[b * queries + i], query.end - window)
                    : begin[b * queries + i];
            query.scores = new double[keys];
            query.probabilities = new double[keys];
            double largest = Double.NEGATIVE_INFINITY;
            for (int j = query.begin; j < query.end; j++) {
                double dot = 0;
                for (int d = 0; d < headDim; d++) {
                    dot += q[query.at + d] * k[key(query, j) + d];
                }
                query.scores[j] = Softcap.value(scale * dot, softcap);
                largest = Math.max(largest, query.scores[j]);
            }
            double sum = 0;
            for (int j = query.begin; j < query.end; j++) {
                query.probabilities[j] = Math.exp(query.scores[j] - largest);
                sum += query.probabilities[j];
            }
            double total = sum;
            Arrays.setAll(query.probabilities, j -> query.probabilities[j] == 0 ? 0 : query.probabilities[j] / total);
            query.logSumExp = query.begin < query.end ? largest + Math.log(sum) : Double.NEGATIVE_INFINITY;
            return query;
        }
    }
}
