package dev.sartor.backend.cpu;

import dev.sartor.tensor.Buffer;
import java.lang.foreign.MemorySegment;

/** Host memory: the library's own, or a wrapped segment that belongs to someone else. */
final class CpuBuffer implements Buffer {
    private final CpuDevice device;
    private final MemorySegment memory;
    private final boolean wrapped;
    private boolean freed;

    CpuBuffer(CpuDevice device, MemorySegment memory, boolean wrapped) {
        this.device = device;
        this.memory = memory;
        this.wrapped = wrapped;
    }

    @Override
    public long bytes() {
        return memory.byteSize();
    }

    CpuDevice device() {
        return device;
    }

    /** Whether the memory belongs to someone else. */
    boolean isWrapped() {
        return wrapped;
    }

    /** Whether the memory can still be touched. Guarded by the device's lock. */
    boolean isUsable() {
        return !freed && memory.scope().isAlive();
    }

    void markFreed() {
        freed = true;
    }

    /** The memory; the caller has seen that it is usable. */
    MemorySegment memory() {
        return memory;
    }
}
