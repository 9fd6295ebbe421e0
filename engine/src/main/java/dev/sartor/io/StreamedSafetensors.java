package dev.sartor.io;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Files of weights that are read once, tensor after tensor: they are mapped, and unmapped again every so
 * often, so that what has been read does not stay in memory.
 */
public final class StreamedSafetensors implements AutoCloseable {
    private static final long MAPPED_AT_ONCE = 64L << 20;

    private final Path source;
    private Safetensors mapped;
    private long touched;

    /** @param source as {@link Safetensors#open} takes it */
    public StreamedSafetensors(Path source) {
        this.source = source;
    }

    /**
     * The files, to read tensors from; what they hand out is valid until the next call of this method.
     *
     * @param name the tensor that is going to be read
     */
    public Safetensors reading(String name) throws IOException {
        if (touched > MAPPED_AT_ONCE) {
            release();
        }
        if (mapped == null) {
            mapped = Safetensors.open(source);
        }
        if (mapped.contains(name)) {
            touched += mapped.data(name).byteSize();
        }
        return mapped;
    }

    /** Unmaps what has been read. */
    public void release() {
        if (mapped != null) {
            mapped.close();
            mapped = null;
        }
        touched = 0;
    }

    @Override
    public void close() {
        release();
    }
}
