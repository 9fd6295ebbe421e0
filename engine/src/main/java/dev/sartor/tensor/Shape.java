package dev.sartor.tensor;

import java.util.Arrays;
import java.util.List;
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
        return new Shape(Arrays.stream(dims).boxed().toList());
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
        return dims.stream().reduce(1L, (a, b) -> a * b);
    }

    /** All but the innermost dimension, multiplied. */
    public long rows() {
        return dims.subList(0, dims.size() - 1).stream().reduce(1L, (a, b) -> a * b);
    }

    public long[] toArray() {
        return dims.stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public String toString() {
        return dims.stream().map(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }
}
