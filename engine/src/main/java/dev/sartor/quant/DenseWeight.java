package dev.sartor.quant;

import dev.sartor.device.Matrix;
import dev.sartor.tape.Parameter;

/** A weight in float32 or bfloat16: frozen and packed, or trained and row-major. */
public record DenseWeight(String name, Matrix matrix, Parameter parameter) implements Weight {
    public static DenseWeight frozen(String name, Matrix matrix) {
        return new DenseWeight(name, matrix, null);
    }

    /** @param parameter [out, in] */
    public static DenseWeight trained(Parameter parameter) {
        return new DenseWeight(parameter.name(), Matrix.rowMajor(parameter.value()), parameter);
    }
}
