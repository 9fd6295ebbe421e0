package dev.sartor.quant;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.RowBlocks;
import dev.sartor.io.Finite;
import dev.sartor.io.FormatException;
import dev.sartor.io.TensorReader;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.UncheckedIOException;
import java.util.Optional;

/** A stored matrix of floats that is read some rows at a time. */
public interface DenseSource {
    /** Its first element that is infinite or not a number, in words; empty if there is none. */
    Optional<String> notFinite();

    /** Of the whole matrix, as stored. */
    TensorSpec spec();

    /** Rows [first, first + count), which kernels can read until the next call. */
    Tensor rows(long first, long count);

    /** All of it; as {@link #rows}. */
    default Tensor all() {
        return rows(0, spec().shape().dim(0));
    }

    /** How many rows to read at a time, a whole number of a device's panels. */
    default long blockRows() {
        long rows = Math.max(1, spec().shape().dim(0));
        return RowBlocks.count(rows, spec().bytes() / rows, TensorReader.PIECE_BYTES);
    }

    /** Of a tensor that is there as a whole. */
    static DenseSource of(Tensor tensor) {
        return new DenseSource() {
            @Override
            public Optional<String> notFinite() {
                return Optional.empty();
            }

            @Override
            public TensorSpec spec() {
                return tensor.spec();
            }

            @Override
            public Tensor rows(long first, long count) {
                return tensor.slice(first, count);
            }
        };
    }

    /**
     * Of a tensor in a file.
     *
     * @throws FormatException if the file has no such tensor of floats
     */
    static DenseSource of(Device device, TensorReader reader, String name) throws FormatException {
        TensorSpec spec = reader.file().spec(name);
        return new DenseSource() {
            @Override
            public Optional<String> notFinite() {
                try {
                    return Finite.first(reader, name);
                } catch (FormatException e) {
                    throw new UncheckedIOException(e);
                }
            }

            @Override
            public TensorSpec spec() {
                return spec;
            }

            @Override
            public Tensor rows(long first, long count) {
                try {
                    long[] dims = spec.shape().toArray();
                    dims[0] = count;
                    return Eager.wrap(device, new TensorSpec(spec.dtype(), Shape.of(dims)), reader.rows(name, first, count));
                } catch (FormatException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }
}
