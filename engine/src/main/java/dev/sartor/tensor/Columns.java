package dev.sartor.tensor;

/**
 * A range of columns of a row-major matrix: the part of a fused projection that holds the queries,
 * say. Elements of one row are adjacent; rows lie {@link #stride} elements apart.
 *
 * @param matrix [rows, width]
 */
public record Columns(Tensor matrix, long first, long count) {
    public Columns {
        if (first < 0 || count < 0 || first + count > matrix.shape().last()) {
            throw new IllegalArgumentException("columns " + first + " to " + (first + count) + " are not in " + matrix.spec());
        }
    }

    /** All columns. */
    public static Columns of(Tensor matrix) {
        return new Columns(matrix, 0, matrix.shape().last());
    }

    public long stride() {
        return matrix.shape().last();
    }

    public long rows() {
        return matrix.shape().rows();
    }

    public DType dtype() {
        return matrix.dtype();
    }

    /** Bytes from the storage's start to the first element. */
    public long offset() {
        return matrix.offset() + first * matrix.dtype().bytes();
    }
}
