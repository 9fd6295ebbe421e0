package dev.sartor.device;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;

/**
 * A weight matrix W [rows, columns], used as y = x W^T, however stored.
 *
 * @param data row-major: [rows, columns]; packed: as many bytes as the device asks for
 * @param dtype of the elements
 */
public record Matrix(long rows, long columns, Layout layout, DType dtype, Tensor data) {
    /** @param tensor [rows, columns] */
    public static Matrix rowMajor(Tensor tensor) {
        if (tensor.shape().rank() != 2) {
            throw new IllegalArgumentException("a matrix has two dimensions, not " + tensor.spec());
        }
        return new Matrix(tensor.shape().dim(0), tensor.shape().dim(1), Layout.ROW_MAJOR, tensor.dtype(), tensor);
    }
}
