package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * What takes the place of a kernel's tensors and weights; numbers stay ({@link Kernel#with}).
 *
 * @param tensors for each tensor that is no part of a weight
 * @param matrices for each weight
 */
public record Substitution(UnaryOperator<Tensor> tensors, UnaryOperator<Matrix> matrices) {
    /** Null for null, since a kernel's tensors may be absent. */
    Tensor of(Tensor tensor) {
        return tensor == null ? null : tensors.apply(tensor);
    }

    Columns of(Columns columns) {
        return columns == null ? null : new Columns(of(columns.matrix()), columns.first(), columns.count());
    }

    Matrix of(Matrix matrix) {
        return matrix == null ? null : matrices.apply(matrix);
    }
}
