package dev.sartor.quant;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.Optional;

/** Weights that are infinite or not a number, and what to tell a person about them. */
public final class Finite {
    private Finite() {}

    /**
     * Says which element of a matrix is not finite; empty if all are.
     *
     * @param name for messages of the device
     * @param where it is stored, as {@link DenseSource#where} says it
     * @param rows a matrix, or some rows of one
     * @param first the index of the first of them
     */
    public static Optional<String> refusal(Device device, String name, String where, Tensor rows, long first) {
        var matrix = Matrix.rowMajor(rows);
        long block = Eager.blockRows(matrix.rows(), matrix.columns());
        for (long row = 0; row < matrix.rows(); row += block) {
            float[] values = Eager.rows(device, name, matrix, row, Math.min(block, matrix.rows() - row));
            for (int i = 0; i < values.length; i++) {
                if (!Float.isFinite(values[i])) {
                    return Optional.of("%s: element [%d, %d] is %s, expected a finite number; the checkpoint is broken: fetch it again, or"
                            .formatted(where, first + row + i / matrix.columns(), i % matrix.columns(), values[i])
                            + " go back to one of an earlier step");
                }
            }
        }
        return Optional.empty();
    }
}
