package dev.sartor.io;

import dev.sartor.tensor.Shape;
import java.io.IOException;

/** Matrices that a file has the other way round, as GPT-2's layers. */
public final class Transposed {

    private Transposed() {
    }

    /**
     * Writes the transpose of a matrix.
     *
     * @param values row-major
     * @param shape  the matrix's, before it is turned
     */
    public static void write(TensorSource.Sink sink, float[] values, Shape shape) throws IOException {
        int rows = Math.toIntExact(shape.dim(0));
        int columns = Math.toIntExact(shape.dim(1));
        float[] column = new float[rows];
        for (int c = 0; c < columns; c++) {
            for (int r = 0; r < rows; r++) {
                column[r] = values[r * columns + c];
            }
            sink.write(column);
        }
    }
}
