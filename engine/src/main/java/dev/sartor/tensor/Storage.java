package dev.sartor.tensor;

/**
 * The bytes behind one or more tensors. A storage is born without a place: a scope places it at
 * once, the planner after it has seen a whole step. Compared by identity.
 */
public final class Storage {
    private final long bytes;
    private Buffer buffer;
    private long position;

    public Storage(long bytes) {
        this.bytes = bytes;
    }

    public long bytes() {
        return bytes;
    }

    public boolean isPlaced() {
        return buffer != null;
    }

    /** Puts the storage at a position of a buffer; a later call moves it (contents are not moved). */
    public void place(Buffer buffer, long position) {
        if (position < 0 || position % Memory.ALIGNMENT != 0 || position + bytes > buffer.bytes()) {
            throw new IllegalArgumentException("a storage of " + bytes + " bytes does not fit at " + position
                    + " of a buffer of " + buffer.bytes() + " bytes");
        }
        this.buffer = buffer;
        this.position = position;
    }

    public Buffer buffer() {
        if (buffer == null) {
            throw new IllegalStateException("the storage of " + bytes + " bytes was used before it was placed");
        }
        return buffer;
    }

    public long position() {
        buffer();
        return position;
    }
}
