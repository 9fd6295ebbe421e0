package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;

/** Checks of what ops are given, with messages that say what was expected. */
final class Check {
    private Check() {}

    static void that(boolean holds, Op op, String message, Object... arguments) {
        if (!holds) {
            throw new IllegalArgumentException(op.name() + ": " + message.formatted(arguments));
        }
    }

    /** A [rows, width] activation in a compute type. */
    static void activation(Op op, String name, TensorSpec spec) {
        that(spec != null, op, "%s is missing", name);
        that(spec.shape().rank() == 2, op, "%s must be [rows, width], is %s", name, spec);
        that(spec.dtype() == DType.FLOAT32 || spec.dtype() == DType.BFLOAT16, op,
                "%s must be float32 or bfloat16, is %s", name, spec);
    }

    static void spec(Op op, String name, TensorSpec spec, DType dtype, long... dims) {
        that(spec.dtype() == dtype && spec.shape().equals(Shape.of(dims)), op,
                "%s must be %s, is %s", name, TensorSpec.of(dtype, dims), spec);
    }

    static void optional(Op op, String name, TensorSpec spec, DType dtype, long... dims) {
        if (spec != null) {
            spec(op, name, spec, dtype, dims);
        }
    }

    static void features(Op op, TensorSpec x, Matrix weight) {
        activation(op, "x", x);
        that(x.shape().last() == weight.columns(), op,
                "x has %d features, the weight [%d, %d] takes %d", x.shape().last(), weight.rows(), weight.columns(),
                weight.columns());
    }
}
