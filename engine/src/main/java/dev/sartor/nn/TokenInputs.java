package dev.sartor.nn;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;

/**
 * A batch of token sequences as kernels read it, all int32 [batch, length].
 *
 * @param positions of each token in its own sample, for position embeddings
 * @param keyBegin first key that a token attends to: an index into its row, or into the KV cache
 * @param keyEnd one past its last key; equal to keyBegin for padding
 */
public record TokenInputs(Tensor ids, Tensor positions, Tensor keyBegin, Tensor keyEnd) {
    public static TokenInputs allocate(Scope scope, long batch, long length) {
        var spec = TensorSpec.of(DType.INT32, batch, length);
        return new TokenInputs(scope.allocate(spec), scope.allocate(spec), scope.allocate(spec), scope.allocate(spec));
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
