package dev.sartor.bindings;

import dev.sartor.bindings.cpu.sartor_h;
import java.lang.foreign.MemorySegment;

/** Large zeroed memory from the native library: aligned to 64 bytes, on huge pages where the system has them. */
public final class NativeMemory {
    private NativeMemory() {}

    /**
     * Zeroed memory; pages that are never touched are not resident. Free it with {@link #free}, once.
     *
     * @param bytes size, more than 0
     * @throws NativeException with {@link Status#NO_MEMORY} where the system has none
     */
    public static MemorySegment allocate(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("cannot allocate " + bytes + " bytes");
        }
        CpuLibrary.load();
        MemorySegment memory = sartor_h.sartor_allocate(bytes);
        if (memory.equals(MemorySegment.NULL)) {
            throw new NativeException(Status.NO_MEMORY, -1, "the system refused " + bytes + " bytes of memory");
        }
        return memory.reinterpret(bytes);
    }

    /** Gives back what {@link #allocate} returned; the segment and its slices must not be used afterwards. */
    public static void free(MemorySegment memory) {
        sartor_h.sartor_free(memory, memory.byteSize());
    }
}
