package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT32;

import dev.sartor.bindings.cpu.sartor_embedding;
import dev.sartor.bindings.cpu.sartor_embedding_backward;
import dev.sartor.bindings.cpu.sartor_linear_cross_entropy;
import dev.sartor.bindings.cpu.sartor_logits;
import dev.sartor.bindings.cpu.sartor_sample;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.EmbeddingBackward;
import dev.sartor.device.kernel.LinearCrossEntropy;
import dev.sartor.device.kernel.Logits;
import dev.sartor.device.kernel.Sample;

/** From token ids to activations, and from activations to losses, logits and tokens. */
final class EncodeVocabulary {
    private EncodeVocabulary() {}

    static void embedding(Embedding k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("y", k.y());
        long rows = a.rows("y", k.y());
        a.weight(sartor_embedding.table(s), "table", k.table());
        sartor_embedding.ids(s, a.in("ids", k.ids(), INT32, rows));
        sartor_embedding.y(s, a.out("y", k.y(), dtype, rows, k.table().columns()));
        sartor_embedding.rows(s, rows);
        sartor_embedding.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_embedding.dtype(s, a.code("y", dtype));
    }

    static void embeddingBackward(EmbeddingBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dy", k.dy());
        long rows = a.rows("dy", k.dy());
        long width = a.width("dy", k.dy());
        long tableRows = a.rows("dTable", k.dTable());
        sartor_embedding_backward.dy(s, a.in("dy", k.dy(), dtype, rows, width));
        sartor_embedding_backward.ids(s, a.in("ids", k.ids(), INT32, rows));
        sartor_embedding_backward.d_table(s, a.out("dTable", k.dTable(), FLOAT32, tableRows, width));
        sartor_embedding_backward.rows(s, rows);
        sartor_embedding_backward.table_rows(s, tableRows);
        sartor_embedding_backward.width(s, width);
        sartor_embedding_backward.dtype(s, a.code("dy", dtype));
    }

    static void linearCrossEntropy(LinearCrossEntropy k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        a.weight(sartor_linear_cross_entropy.weight(s), "weight", k.weight());
        long vocabulary = k.weight().rows();
        long in = k.weight().columns();
        sartor_linear_cross_entropy.x(s, a.in("x", k.x(), dtype, rows, in));
        sartor_linear_cross_entropy.bias(s, a.inOrNull("bias", k.bias(), FLOAT32, vocabulary));
        sartor_linear_cross_entropy.targets(s, a.in("targets", k.targets(), INT32, rows));
        sartor_linear_cross_entropy.token_weights(s, a.inOrNull("tokenWeights", k.tokenWeights(), FLOAT32, rows));
        sartor_linear_cross_entropy.losses(s, a.out("losses", k.losses(), FLOAT32, rows));
        sartor_linear_cross_entropy.dx(s, a.outOrNull("dx", k.dx(), dtype, rows, in));
        sartor_linear_cross_entropy.d_weight(s, a.outOrNull("dWeight", k.dWeight(), FLOAT32, vocabulary, in));
        sartor_linear_cross_entropy.d_bias(s, a.outOrNull("dBias", k.dBias(), FLOAT32, vocabulary));
        sartor_linear_cross_entropy.rows(s, rows);
        sartor_linear_cross_entropy.softcap(s, a.notNegative("softcap", k.softcap()));
        sartor_linear_cross_entropy.dtype(s, a.code("x", dtype));
    }

    static void logits(Logits k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        a.weight(sartor_logits.weight(s), "weight", k.weight());
        long vocabulary = k.weight().rows();
        sartor_logits.x(s, a.in("x", k.x(), dtype, rows, k.weight().columns()));
        sartor_logits.bias(s, a.inOrNull("bias", k.bias(), FLOAT32, vocabulary));
        sartor_logits.y(s, a.out("y", k.y(), FLOAT32, rows, vocabulary));
        sartor_logits.rows(s, rows);
        sartor_logits.softcap(s, a.notNegative("softcap", k.softcap()));
        sartor_logits.dtype(s, a.code("x", dtype));
    }

    static void sample(Sample k, Arguments a) {
        var s = a.struct();
        long rows = a.rows("logits", k.logits());
        long vocabulary = a.width("logits", k.logits());
        a.int32("logits", vocabulary);
        a.require(k.topP() > 0 && k.topP() <= 1, "topP", "a number in (0, 1]", k.topP());
        a.require(k.topK() >= 0, "topK", "0 (all) or more", k.topK());
        sartor_sample.logits(s, a.in("logits", k.logits(), FLOAT32, rows, vocabulary));
        sartor_sample.tokens(s, a.out("tokens", k.tokens(), INT32, rows));
        sartor_sample.log_probs(s, a.outOrNull("logProbs", k.logProbs(), FLOAT32, rows));
        sartor_sample.rng(s, a.rng(k.rng()));
        sartor_sample.rows(s, rows);
        sartor_sample.vocabulary(s, vocabulary);
        sartor_sample.temperature(s, a.notNegative("temperature", k.temperature()));
        sartor_sample.top_p(s, k.topP());
        sartor_sample.top_k(s, k.topK());
    }
}
