package dev.sartor.io;

import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A tensor to be saved: what it is, and how to produce its bytes when their turn comes, so that a whole model never has
 * to be in memory at once.
 *
 * @param name    its key in the file
 * @param spec    dtype and shape
 * @param content writes exactly {@code spec}'s bytes, row-major and little-endian
 */
public record TensorSource(String name, TensorSpec spec, Content content) {

    /** Produces a tensor's bytes. */
    @FunctionalInterface
    public interface Content {
        void writeTo(Sink sink) throws IOException;
    }

    /** Takes a tensor's bytes in as many pieces as suit. */
    public interface Sink {

        /** Appends the segment's bytes as they are. */
        void write(MemorySegment bytes) throws IOException;

        /** Appends floats, rounded to nearest even if the tensor is BFLOAT16 or FLOAT16. */
        void write(float[] values) throws IOException;

        /** Appends ints; the tensor must be INT32 or INT64. */
        void write(int[] values) throws IOException;
    }

    public TensorSource {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(spec, "spec");
        Objects.requireNonNull(content, "content");
    }

    /** A tensor whose bytes lie in a segment, which must stay alive until it is written. */
    public static TensorSource of(String name, TensorSpec spec, MemorySegment bytes) {
        return new TensorSource(name, spec, sink -> sink.write(bytes));
    }

    /** A tensor of floats, stored in {@code spec}'s dtype: FLOAT32, BFLOAT16 or FLOAT16. */
    public static TensorSource of(String name, TensorSpec spec, float[] values) {
        return new TensorSource(name, spec, sink -> sink.write(values));
    }

    /** A tensor of ints, stored as INT32 or INT64. */
    public static TensorSource of(String name, TensorSpec spec, int[] values) {
        return new TensorSource(name, spec, sink -> sink.write(values));
    }

    /** Length of its data in bytes. */
    public long bytes() {
        return spec.bytes();
    }
}
