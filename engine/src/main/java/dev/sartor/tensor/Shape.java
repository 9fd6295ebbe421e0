package dev.sartor.tensor;

import java.util.Arrays;
import java.util.Objects;

/** Sizes of a tensor's dimensions, outermost first; a scalar has none. */
public final class Shape {
    private final long[] dims;

    private Shape(long[] dims) {
        this.dims = dims;
        long elements = 1;
        for (long dim : dims) {
            if (dim < 0) {
                throw new IllegalArgumentException("shape " + this + " has a negative dimension");
            }
            elements = Math.multiplyExact(elements, dim);
        }
    }

    public static Shape of(long... dims) {
        return new Shape(dims.clone());
    }

    public int rank() {
        return dims.length;
    }

    public long dim(int index) {
        return dims[index];
    }

    /** The innermost dimension. */
    public long last() {
        return dims[dims.length - 1];
    }

    public long elements() {
        return product(dims.length);
    }

    /** All but the innermost dimension, multiplied. */
    public long rows() {
        return product(dims.length - 1);
    }

    /** Of the outermost dimensions. */
    private long product(int count) {
        Objects.checkFromToIndex(0, count, dims.length);
        long product = 1;
        for (int i = 0; i < count; i++) {
            product *= dims[i];
        }
        return product;
    }

    public long[] toArray() {
        return dims.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape that && Arrays.equals(dims, that.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
