package dev.sartor.peft;

import dev.sartor.tensor.Shape;

/** How an adapter's file has the elements of a matrix. */
public sealed interface Arrangement {
    /** As in memory. */
    record Plain() implements Arrangement {}

    /** Its two dimensions the other way round. */
    record Transposed() implements Arrangement {}

    /**
     * The B matrices of a mixture's experts, as PEFT has them of a fused parameter (its {@code ParamWrapper}): in memory
     * expert after expert, [parts * experts * out, rank], in the file [parts * out, rank * experts], columns by rank
     * and within a rank by expert. Parts are layers that the parameter fuses, gate and up.
     *
     * @param alternating whether the parts' rows alternate, as in GPT-OSS
     */
    record RankMajor(int experts, int parts, boolean alternating) implements Arrangement {}

    Arrangement PLAIN = new Plain();

    /** The shape in the file. */
    default Shape stored(Shape memory) {
        return switch (this) {
            case Plain() -> memory;
            case Transposed() -> Shape.of(memory.dim(1), memory.dim(0));
            case RankMajor(int experts, int parts, boolean alternating) -> Shape.of(memory.dim(0) / experts, memory.dim(1) * experts);
        };
    }

    /**
     * The elements as the file has them.
     *
     * @param values row-major
     * @param memory their shape
     */
    default float[] toFile(float[] values, Shape memory) {
        return arranged(values, memory, true);
    }

    /** The inverse of {@link #toFile}. */
    default float[] fromFile(float[] values, Shape memory) {
        return arranged(values, memory, false);
    }

    private float[] arranged(float[] values, Shape memory, boolean toFile) {
        if (this instanceof Plain) {
            return values;
        }
        int rows = Math.toIntExact(memory.dim(0));
        int columns = Math.toIntExact(memory.dim(1));
        float[] arranged = new float[values.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                int here = row * columns + column;
                int there = inFile(row, column, rows, columns);
                if (toFile) {
                    arranged[there] = values[here];
                } else {
                    arranged[here] = values[there];
                }
            }
        }
        return arranged;
    }

    /** Where the file has an element. */
    private int inFile(int row, int column, int rows, int columns) {
        return switch (this) {
            case Plain() -> row * columns + column;
            case Transposed() -> column * rows + row;
            case RankMajor(int experts, int parts, boolean alternating) -> {
                int out = rows / (experts * parts);
                int expert = row / out % experts;
                int part = row / (out * experts);
                int storedRow = alternating ? row % out * parts + part : part * out + row % out;
                yield (storedRow * columns + column) * experts + expert;
            }
        };
    }
}
