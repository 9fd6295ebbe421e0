package dev.sartor.tape;

import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;

/** A value on a tape. Compared by identity. */
public final class Var {
    private final Tensor value;
    private final Tensor parameterGradient;
    private final boolean needsGradient;

    Var(Tensor value, Tensor parameterGradient, boolean needsGradient) {
        this.value = value;
        this.parameterGradient = parameterGradient;
        this.needsGradient = needsGradient;
    }

    public Tensor value() {
        return value;
    }

    public TensorSpec spec() {
        return value.spec();
    }

    public boolean needsGradient() {
        return needsGradient;
    }

    /** Where the gradient of a parameter is gathered; null for a value made in this step. */
    Tensor parameterGradient() {
        return parameterGradient;
    }
}
