package dev.sartor.peft;

/** A merged weight, made a few rows at a time. */
public interface WeightMerge extends AutoCloseable {
    /**
     * Some rows, each as wide as the stored matrix.
     *
     * @param base as the file has them
     * @param merged with the adapter
     */
    record Rows(float[] base, float[] merged) {}

    /** Rows [first, first + count) of the matrix as it is stored. */
    Rows rows(long first, int count);

    @Override
    void close();
}
