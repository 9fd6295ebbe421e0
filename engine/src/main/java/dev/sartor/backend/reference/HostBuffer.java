package dev.sartor.backend.reference;

import dev.sartor.tensor.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Host memory.
 *
 * @param arena owns the memory, or null where somebody else does (a mapped file)
 */
record HostBuffer(MemorySegment memory, Arena arena) implements Buffer {
    @Override
    public long bytes() {
        return memory.byteSize();
    }
}
