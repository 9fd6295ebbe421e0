package dev.sartor.tensor;

/**
 * A dense row-major view of a storage. It never owns memory.
 *
 * @param offset bytes from the storage's start
 */
public record Tensor(TensorSpec spec, Storage storage, long offset) {
    public Tensor {
        if (offset < 0 || offset + spec.bytes() > storage.bytes()) {
            throw new IllegalArgumentException("a view " + spec + " at byte " + offset + " exceeds its storage of "
                    + storage.bytes() + " bytes");
        }
    }

    /** A tensor with a storage of its own that has no place yet. */
    public static Tensor unplaced(TensorSpec spec) {
        return new Tensor(spec, new Storage(spec.bytes()), 0);
    }

    public DType dtype() {
        return spec.dtype();
    }

    public Shape shape() {
        return spec.shape();
    }

    /** The same elements under another shape. */
    public Tensor reshape(long... dims) {
        var shape = Shape.of(dims);
        if (shape.elements() != shape().elements()) {
            throw new IllegalArgumentException("cannot view " + spec + " as " + shape);
        }
        return new Tensor(new TensorSpec(dtype(), shape), storage, offset);
    }

    /** Rows [first, first + count) of the outermost dimension. */
    public Tensor slice(long first, long count) {
        long[] dims = shape().toArray();
        if (first < 0 || count < 0 || first + count > dims[0]) {
            throw new IllegalArgumentException("rows " + first + " to " + (first + count) + " are not in " + spec);
        }
        long rowBytes = dims[0] == 0 ? 0 : spec.bytes() / dims[0];
        dims[0] = count;
        return new Tensor(TensorSpec.of(dtype(), dims), storage, offset + first * rowBytes);
    }
}
