package dev.sartor.tensor;

/** What a tensor is, without where it lies. */
public record TensorSpec(DType dtype, Shape shape) {
    public static TensorSpec of(DType dtype, long... dims) {
        return new TensorSpec(dtype, Shape.of(dims));
    }

    public long bytes() {
        return Math.multiplyExact(shape.elements(), dtype.bytes());
    }

    // Spelled out, for whole recordings are compared.
    @Override
    public boolean equals(Object other) {
        return other instanceof TensorSpec that && dtype == that.dtype && shape.equals(that.shape);
    }

    @Override
    public int hashCode() {
        return 31 * dtype.ordinal() + shape.hashCode();
    }

    @Override
    public String toString() {
        return dtype.name().toLowerCase() + shape;
    }
}
