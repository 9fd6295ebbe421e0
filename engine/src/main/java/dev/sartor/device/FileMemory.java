package dev.sartor.device;

import dev.sartor.tensor.Memory;

/** Memory whose contents lie in a file: the system keeps in RAM what is used, and writes the rest out. */
public interface FileMemory extends Memory, AutoCloseable {
    /** Gives everything back; the file is gone. */
    @Override
    void close();
}
