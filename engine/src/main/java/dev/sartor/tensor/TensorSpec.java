package dev.sartor.tensor;

/** What a tensor is, without where it lies. */
public record TensorSpec(DType dtype, Shape shape) {
    public static TensorSpec of(DType dtype, long... dims) {
        return new TensorSpec(dtype, Shape.of(dims));
    }

    public long bytes() {
        return Math.multiplyExact(shape.elements(), dtype.bytes());
    }

    @Override
    public String toString() {
        return dtype.name().toLowerCase() + shape;
    }
}
