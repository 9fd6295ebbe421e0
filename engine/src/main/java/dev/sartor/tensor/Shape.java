package dev.sartor.tensor;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/** Sizes of a tensor's dimensions, outermost first; a scalar has none. */
public record Shape(List<Long> dims) {
    public Shape {
        dims = List.copyOf(dims);
        long elements = 1;
        for (long dim : dims) {
            if (dim < 0) {
                throw new IllegalArgumentException("shape " + dims + " has a negative dimension");
            }
            elements = Math.multiplyExact(elements, dim);
        }
    }

    public static Shape of(long... dims) {
        var boxed = new Long[dims.length];
        for (int i = 0; i < dims.length; i++) {
            boxed[i] = dims[i];
        }
        return new Shape(List.of(boxed));
    }

    public int rank() {
        return dims.size();
    }

    public long dim(int index) {
        return dims.get(index);
    }

    /** The innermost dimension. */
    public long last() {
        return dims.getLast();
    }

    public long elements() {
        return product(dims.size());
    }

    /** All but the innermost dimension, multiplied. */
    public long rows() {
        return product(dims.size() - 1);
    }

    /** Of the outermost dimensions. A loop, and no stream, for every tensor of every recorded step asks. */
    private long product(int count) {
        Objects.checkFromToIndex(0, count, dims.size());
        long product = 1;
        for (int i = 0; i < count; i++) {
            product *= dims.get(i);
        }
        return product;
    }

    public long[] toArray() {
        long[] sizes = new long[dims.size()];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = dims.get(i);
        }
        return sizes;
    }

    @Override
    public String toString() {
        return dims.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }
}
