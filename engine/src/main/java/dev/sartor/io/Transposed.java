package dev.sartor.io;

import dev.sartor.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A matrix that a file has the other way round, as GPT-2's layers: takes its rows, and then writes its columns. */
public final class Transposed implements AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final int rows;
    private final int columns;
    private final MemorySegment values;
    private long filled;

    /** @param shape of the matrix, before it is turned */
    public Transposed(Shape shape) {
        rows = Math.toIntExact(shape.dim(0));
        columns = Math.toIntExact(shape.dim(1));
        values = arena.allocate(ValueLayout.JAVA_FLOAT, shape.elements());
    }

    /** Takes the next rows, row-major. */
    public void add(float[] more) {
        MemorySegment.copy(more, 0, values, ValueLayout.JAVA_FLOAT, filled * Float.BYTES, more.length);
        filled += more.length;
    }

    /** Writes the transpose of the rows taken. */
    public void writeTo(TensorSource.Sink sink) throws IOException {
        float[] column = new float[rows];
        for (int c = 0; c < columns; c++) {
            for (int r = 0; r < rows; r++) {
                column[r] = values.getAtIndex(ValueLayout.JAVA_FLOAT, (long) r * columns + c);
            }
            sink.write(column);
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
