package dev.sartor.nn;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/** Keys and values of the tokens seen so far, by layer. */
public final class KvCache {
    /**
     * @param keys [batch, capacity, kvHeads * headDim]
     * @param values as keys
     */
    public record Layer(Tensor keys, Tensor values) {}

    private final List<Layer> layers = new ArrayList<>();
    private final long batch;
    private final long capacity;

    /**
     * @param width kvHeads * headDim
     * @param dtype the model's compute type
     */
    public KvCache(Scope scope, int layerCount, long batch, long capacity, long width, DType dtype) {
        this.batch = batch;
        this.capacity = capacity;
        var spec = TensorSpec.of(dtype, batch, capacity, width);
        for (int i = 0; i < layerCount; i++) {
            layers.add(new Layer(scope.allocate(spec), scope.allocate(spec)));
        }
    }

    public Layer layer(int index) {
        return layers.get(index);
    }

    public long batch() {
        return batch;
    }

    public long capacity() {
        return capacity;
    }
}
