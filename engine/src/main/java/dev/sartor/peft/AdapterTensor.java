package dev.sartor.peft;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;

/**
 * A tensor that an adapter holds, in float32.
 *
 * @param key its name in {@code adapter_model.safetensors}
 * @param shape in memory
 * @param transposed whether the file has its two dimensions the other way round
 */
public record AdapterTensor(String key, Shape shape, boolean transposed, Initial initial) {
    /** What stands before a module's name in every key. */
    public static final String PREFIX = "base_model.model.";

    public static AdapterTensor of(String key, Initial initial, long... dims) {
        return new AdapterTensor(key, Shape.of(dims), false, initial);
    }

    public TensorSpec spec() {
        return new TensorSpec(DType.FLOAT32, shape);
    }

    /** Shape in the file. */
    public Shape storedShape() {
        return transposed ? Shape.of(shape.dim(1), shape.dim(0)) : shape;
    }
}
