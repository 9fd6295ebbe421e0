package dev.sartor.device;

/** Instructions made ready for one device. Valid as long as the buffers it was compiled for. */
public interface Program extends AutoCloseable {
    @Override
    void close();
}
