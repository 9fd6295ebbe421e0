package dev.sartor.device;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight matrix W [rows, columns], used as y = x W^T, however stored.
 *
 * @param data row-major: [rows, columns], or of 4-bit codes that many halves of bytes, the first in
 *     the high one; packed: as many bytes as the device asks for
 * @param dtype of the elements, or of the codes' tensor (uint8 for 4 bit, int8)
 * @param quantization null where the matrix is dense
 */
public record Matrix(long rows, long columns, Layout layout, DType dtype, Tensor data, Quantization quantization) {
    public Matrix {
        if (quantization != null && quantization.type().dtype() != dtype) {
            throw new IllegalArgumentException(quantization.type() + " codes are held as "
                    + quantization.type().dtype() + ", not " + dtype);
        }
    }

    /** A dense matrix. */
    public Matrix(long rows, long columns, Layout layout, DType dtype, Tensor data) {
        this(rows, columns, layout, dtype, data, null);
    }

    /** A quantized matrix. */
    public Matrix(long rows, long columns, Layout layout, Tensor codes, Quantization quantization) {
        this(rows, columns, layout, quantization.type().dtype(), codes, quantization);
    }

    /** @param tensor [rows, columns] */
    public static Matrix rowMajor(Tensor tensor) {
        if (tensor.shape().rank() != 2) {
            throw new IllegalArgumentException("a matrix has two dimensions, not " + tensor.spec());
        }
        return new Matrix(tensor.shape().dim(0), tensor.shape().dim(1), Layout.ROW_MAJOR, tensor.dtype(), tensor);
    }

    public boolean isQuantized() {
        return quantization != null;
    }

    /** Everything that a kernel reads of it: data, and what belongs to the quantization. */
    public List<Tensor> tensors() {
        var tensors = new ArrayList<Tensor>();
        if (data != null) {
            tensors.add(data);
        }
        if (quantization != null) {
            tensors.addAll(quantization.tensors());
        }
        return List.copyOf(tensors);
    }
}
