package dev.sartor.data;

/** Batches as a function of the place in the data, so that a run can stop and go on anywhere. */
public interface BatchSource {

    /** Batches of one pass over the data. */
    long perEpoch();

    /**
     * The batch at a place; the same place always gives the same batch.
     *
     * @throws IndexOutOfBoundsException if the cursor's index is not below {@link #perEpoch}
     */
    Batch at(Cursor cursor);

    /** A checksum of all the data, whatever their order: equal for equal tokens and labels, divided alike. */
    long digest();
}
