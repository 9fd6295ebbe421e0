package dev.sartor.peft;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;

/**
 * A tensor that an adapter holds, in float32.
 *
 * @param key its name in {@code adapter_model.safetensors}
 * @param shape in memory
 * @param arrangement of its elements in the file
 * @param adjoining whether it lies right behind the tensor before it, so that both can be seen as one
 */
public record AdapterTensor(String key, Shape shape, Arrangement arrangement, Initial initial, boolean adjoining) {
    /** What stands before a module's name in every key. */
    public static final String PREFIX = "base_model.model.";

    public static AdapterTensor of(String key, Initial initial, long... dims) {
        return new AdapterTensor(key, Shape.of(dims), Arrangement.PLAIN, initial, false);
    }

    /** The same, arranged otherwise in the file. */
    public AdapterTensor with(Arrangement other) {
        return new AdapterTensor(key, shape, other, initial, adjoining);
    }

    /** The same, right behind the tensor before it. */
    public AdapterTensor behind() {
        return new AdapterTensor(key, shape, arrangement, initial, true);
    }

    public TensorSpec spec() {
        return new TensorSpec(DType.FLOAT32, shape);
    }

    /** Shape in the file. */
    public Shape storedShape() {
        return arrangement.stored(shape);
    }
}
