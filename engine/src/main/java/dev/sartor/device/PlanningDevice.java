package dev.sartor.device;

import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * Stands in for a device to learn what a run would need: allocations have a size and no memory,
 * writes and programs are taken and ignored. Sizes of packed weights and of scratch are the real
 * device's.
 */
public final class PlanningDevice implements Device {
    private record Imagined(long bytes) implements Buffer {}

    /** No file. */
    private record ImaginedFile(PlanningDevice device) implements FileMemory {
        @Override
        public Buffer allocate(long bytes) {
            return device.allocate(bytes);
        }

        @Override
        public void free(Buffer buffer) {}

        @Override
        public void close() {}
    }

    private final Device real;

    public PlanningDevice(Device real) {
        this.real = real;
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public String description() {
        return "a plan for " + real.description();
    }

    @Override
    public boolean hasValues() {
        return false;
    }

    @Override
    public Buffer allocate(long bytes) {
        return new Imagined(bytes);
    }

    @Override
    public void free(Buffer buffer) {}

    @Override
    public void write(MemorySegment from, Tensor to) {}

    @Override
    public void read(Tensor from, MemorySegment to) {
        throw new IllegalStateException("a plan has no values to read");
    }

    @Override
    public Buffer wrap(MemorySegment memory) {
        return new Imagined(memory.byteSize());
    }

    @Override
    public Buffer wrapWritable(MemorySegment memory) {
        return new Imagined(memory.byteSize());
    }

    @Override
    public FileMemory onFile(Path directory, long bytes) {
        return new ImaginedFile(this);
    }

    @Override
    public long packedBytes(long rows, long columns, DType dtype) {
        return real.packedBytes(rows, columns, dtype);
    }

    @Override
    public long packedBytes(long rows, long columns, QuantType type) {
        return real.packedBytes(rows, columns, type);
    }

    @Override
    public long packedScales(long rows, long columns, QuantType type) {
        return real.packedScales(rows, columns, type);
    }

    @Override
    public long scratchBytes(Instruction instruction) {
        return real.scratchBytes(instruction);
    }

    @Override
    public Program compile(List<Instruction> instructions, Buffer scratch) {
        return () -> {};
    }

    @Override
    public void submit(Program program) {}

    @Override
    public void close() {}
}
