package dev.sartor.data;

/**
 * How far a run has come in its data; kept in checkpoints.
 *
 * @param epoch full passes done
 * @param index batches done in the current pass
 */
public record Cursor(long epoch, long index) {

    public static final Cursor START = new Cursor(0, 0);

    public Cursor {
        if (epoch < 0 || index < 0) {
            throw new IllegalArgumentException("a data cursor cannot be negative: epoch " + epoch + ", index " + index);
        }
    }

    /** The cursor after so many batches from the start. */
    public static Cursor after(long batches, long batchesPerEpoch) {
        return new Cursor(batches / batchesPerEpoch, batches % batchesPerEpoch);
    }

    /** One batch further. */
    public Cursor next(long batchesPerEpoch) {
        return index + 1 < batchesPerEpoch ? new Cursor(epoch, index + 1) : new Cursor(epoch + 1, 0);
    }
}
