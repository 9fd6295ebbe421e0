package dev.sartor.train;

import dev.sartor.data.Batch;
import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/**
 * What a step's program is made for.
 *
 * @param rows of a batch
 * @param length tokens of each, padding included
 */
public record BatchShape(int rows, int length) {
    public BatchShape {
        if (rows < 1 || length < 1) {
            throw new IllegalArgumentException("a batch must have rows and tokens, not " + rows + " x " + length);
        }
    }

    public static BatchShape of(Batch batch) {
        return new BatchShape(batch.rows(), batch.length());
    }

    /** The shape with the most tokens among the batches', whose step needs the most memory. */
    public static Optional<BatchShape> largest(Collection<Batch> batches) {
        return batches.stream().map(BatchShape::of).max(Comparator.comparingLong(BatchShape::tokens));
    }

    public long tokens() {
        return (long) rows * length;
    }

    @Override
    public String toString() {
        return rows + " x " + length;
    }
}
