package dev.sartor.op;

import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.AttentionSink;
import dev.sartor.device.kernel.AttentionSinkBackward;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Softmax attention with grouped heads; each query attends to its range of keys, which is how causal
 * masks, packed samples, padding and KV caches are all told.
 *
 * <p>Inputs: q [batch * queries, heads * headDim], k and v [batch * keys, kvHeads * headDim]; or one
 * fused tensor that holds all three side by side; or such a tensor for q beside cached k and v (only
 * without gradients). With q, k and v apart, sinks [heads] float32 may follow as a parameter: one more score of each head,
 * whose value is 0 (GPT-OSS). Output: [batch * queries, heads * headDim].
 *
 * @param keyBegin [batch, queries] int32, first key of each query
 * @param keyEnd [batch, queries] int32, one past the last
 * @param window keys back from keyEnd that count; 0 for all
 * @param softcap bound of the scores, as in Gemma 2; 0 for none
 */
public record Attention(
        Tensor keyBegin, Tensor keyEnd, int heads, int kvHeads, int headDim, int window, float scale, float softcap)
        implements Op {
    private static final int SINKS = 3;

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        inputs.stream().limit(SINKS).forEach(input -> Check.activation(this, "input", input));
        if (inputs.size() > SINKS) {
            Check.spec(this, "sinks", inputs.get(SINKS), DType.FLOAT32, heads);
        }
        Check.that(heads % kvHeads == 0, this, "%d heads are no multiple of %d key-value heads", heads, kvHeads);
        var q = inputs.getFirst();
        long queries = keyBegin.shape().elements();
        Check.that(q.shape().dim(0) == queries, this, "%s key ranges for q %s", keyBegin.spec(), q);
        if (inputs.size() == 1) {
            Check.that(q.shape().last() == (long) (heads + 2 * kvHeads) * headDim, this,
                    "%s does not hold %d + 2 x %d heads of %d", q, heads, kvHeads, headDim);
        } else {
            long batch = keyBegin.shape().dim(0);
            Check.that(q.shape().last() == (long) heads * headDim || q.shape().last() == (long) (heads + 2 * kvHeads) * headDim,
                    this, "q %s is not %d heads of %d", q, heads, headDim);
            for (var kv : inputs.subList(1, 3)) {
                Check.that(kv.shape().last() == (long) kvHeads * headDim && kv.shape().dim(0) % batch == 0, this,
                        "%s is not [%d x keys, %d heads of %d]", kv, batch, kvHeads, headDim);
            }
        }
        return List.of(TensorSpec.of(q.dtype(), q.shape().dim(0), (long) heads * headDim));
    }

    @Override
    public void forward(Frame f) {
        var in = parts(inputs(f));
        f.emit(new dev.sartor.device.kernel.Attention(
                in.get(0), in.get(1), in.get(2), f.output(0), logSumExp(f), keyBegin, keyEnd, headDim, window, scale,
                softcap));
        if (f.inputCount() > SINKS) {
            f.emit(new AttentionSink(f.output(0), logSumExp(f), f.input(SINKS)));
        }
    }

    @Override
    public void backward(Frame f) {
        if (f.inputCount() > 1 && f.input(0).shape().last() != (long) heads * headDim) {
            throw new IllegalStateException("attention over cached keys takes no gradient");
        }
        var in = parts(inputs(f));
        var gradients = parts(IntStream.range(0, inputs(f).size())
                .mapToObj(i -> f.needsGradient(i) ? f.freshGradient(i) : f.temporary(f.input(i).spec()))
                .toList());
        f.emit(new AttentionBackward(
                f.outputGradient(0), in.get(0), in.get(1), in.get(2), f.output(0), logSumExp(f), keyBegin, keyEnd,
                gradients.get(0), gradients.get(1), gradients.get(2), headDim, window, scale, softcap));
        if (f.inputCount() > SINKS && f.needsGradient(SINKS)) {
            f.emit(new AttentionSinkBackward(
                    f.outputGradient(0), f.output(0), logSumExp(f), f.input(SINKS), f.parameterGradient(SINKS)));
        }
    }

    private static List<Tensor> inputs(Frame f) {
        boolean fused = f.inputCount() == 1;
        return fused ? List.of(f.input(0)) : List.of(f.input(0), f.input(1), f.input(2));
    }

    private List<Columns> parts(List<Tensor> tensors) {
        if (tensors.size() == 3) {
            var q = new Columns(tensors.getFirst(), 0, (long) heads * headDim);
            return List.of(q, Columns.of(tensors.get(1)), Columns.of(tensors.get(2)));
        }
        long q = (long) heads * headDim;
        long kv = (long) kvHeads * headDim;
        var fused = tensors.getFirst();
        return List.of(new Columns(fused, 0, q), new Columns(fused, q, kv), new Columns(fused, q + kv, kv));
    }

    private Tensor logSumExp(Frame f) {
        return f.keep(0, TensorSpec.of(DType.FLOAT32, keyBegin.shape().dim(0), heads, keyBegin.shape().last()));
    }
}
