package dev.sartor.op;

import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * Writes new keys or values into a KV cache. Input: x [batch * length, at least first + width]. No
 * output; it has no gradient, for a cache is only for generation.
 *
 * @param first the column of x where the keys or values begin: not 0 in a fused projection
 * @param cache [batch, capacity, width], of x's type
 * @param slots [batch, length] int32: where each row goes; a negative slot is skipped
 */
public record CacheWrite(Tensor cache, Tensor slots, long first) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.getFirst();
        Check.activation(this, "x", x);
        Check.that(x.shape().last() >= first + cache.shape().last() && x.dtype() == cache.dtype(), this,
                "x %s does not fit the cache %s", x, cache.spec());
        Check.that(x.shape().dim(0) == slots.shape().elements(), this, "%s slots for x %s", slots.spec(), x);
        return List.of();
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.CacheWrite(new Columns(f.input(0), first, cache.shape().last()), cache, slots));
    }

    @Override
    public void backward(Frame f) {
        throw new IllegalStateException("a KV cache has no gradient");
    }
}
