package dev.sartor.tensor;

import java.util.ArrayList;
import java.util.List;

/**
 * Owns memory; everything in it is freed when it closes. An outer scope outlives an inner one:
 * weights, then state (adapters, optimizer), then an episode (a rollout, a KV cache), then a step.
 */
public final class Scope implements AutoCloseable {
    public enum Kind { WEIGHTS, STATE, EPISODE, STEP }

    private final Kind kind;
    private final Memory memory;
    private final List<Buffer> buffers = new ArrayList<>();
    private long bytes;
    private boolean closed;

    public Scope(Kind kind, Memory memory) {
        this.kind = kind;
        this.memory = memory;
    }

    public Kind kind() {
        return kind;
    }

    /** Bytes that the scope holds now. */
    public long bytes() {
        return bytes;
    }

    /** A zeroed tensor that lives as long as the scope. */
    public Tensor allocate(TensorSpec spec) {
        var tensor = Tensor.unplaced(spec);
        tensor.storage().place(slab(spec.bytes()), 0);
        return tensor;
    }

    /** Zeroed memory that lives as long as the scope. */
    public Buffer slab(long size) {
        if (closed) {
            throw new IllegalStateException("the " + kind + " scope is closed");
        }
        var buffer = memory.allocate(Math.max(size, Memory.ALIGNMENT));
        buffers.add(buffer);
        bytes += buffer.bytes();
        return buffer;
    }

    /** Frees everything, and the scope can be filled anew. */
    public void reset() {
        buffers.forEach(memory::free);
        buffers.clear();
        bytes = 0;
    }

    @Override
    public void close() {
        if (!closed) {
            reset();
            closed = true;
        }
    }
}
