package dev.sartor.tape;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;

/**
 * A named tensor that outlives steps: a norm's weight, an adapter's matrix.
 *
 * @param name as in the checkpoint, such as {@code model.norm.weight}
 * @param gradient float32 of the value's shape; null for a frozen parameter, which then costs nothing
 */
public record Parameter(String name, Tensor value, Tensor gradient) {
    public Parameter {
        if (gradient != null && (gradient.dtype() != DType.FLOAT32 || !gradient.shape().equals(value.shape()))) {
            throw new IllegalArgumentException(
                    "the gradient of " + name + " must be float32" + value.shape() + ", is " + gradient.spec());
        }
    }

    public static Parameter frozen(String name, Tensor value) {
        return new Parameter(name, value, null);
    }

    public boolean isTrained() {
        return gradient != null;
    }
}
