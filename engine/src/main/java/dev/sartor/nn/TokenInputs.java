package dev.sartor.nn;

import dev.sartor.tape.Tape;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.function.Function;

/**
 * A batch of token sequences as kernels read it, all int32 [batch, length].
 *
 * @param positions of each token in its own sample, for position embeddings
 * @param keyBegin first key that a token attends to: an index into its row, or into the KV cache
 * @param keyEnd one past its last key; equal to keyBegin for padding
 */
public record TokenInputs(Tensor ids, Tensor positions, Tensor keyBegin, Tensor keyEnd) {
    public static TokenInputs allocate(Scope scope, long batch, long length) {
        return make(scope::allocate, batch, length);
    }

    /** Inputs that lie among the tape's own tensors. */
    public static TokenInputs arguments(Tape tape, long batch, long length) {
        return make(tape::argument, batch, length);
    }

    private static TokenInputs make(Function<TensorSpec, Tensor> allocate, long batch, long length) {
        var spec = TensorSpec.of(DType.INT32, batch, length);
        return new TokenInputs(allocate.apply(spec), allocate.apply(spec), allocate.apply(spec), allocate.apply(spec));
    }

    public long batch() {
        return ids.shape().dim(0);
    }

    public long length() {
        return ids.shape().dim(1);
    }

    public long tokens() {
        return batch() * length();
    }
}
