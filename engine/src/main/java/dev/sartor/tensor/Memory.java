package dev.sartor.tensor;

/** Where buffers come from. */
public interface Memory {
    /**
     * @param bytes more than zero
     * @return zeroed memory, aligned to {@link #ALIGNMENT}
     */
    Buffer allocate(long bytes);

    void free(Buffer buffer);

    /** Alignment of buffers, and of tensors within slabs, in bytes: a cache line and a full vector. */
    long ALIGNMENT = 64;

    static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
