package dev.sartor.bench.step;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import dev.sartor.device.QuantType;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A device that counts its submits and the time that they take. Another decorator may extend it. */
class MeteredDevice implements Device {
    private final Device device;
    private long submits;
    private long nanoseconds;

    MeteredDevice(Device device) {
        this.device = device;
    }

    long submits() {
        return submits;
    }

    /** Time within submits, which is the time of the native kernels. */
    long nanoseconds() {
        return nanoseconds;
    }

    @Override
    public void submit(Program program) {
        long begun = System.nanoTime();
        device.submit(program);
        nanoseconds += System.nanoTime() - begun;
        submits++;
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public Buffer allocate(long bytes) {
        return device.allocate(bytes);
    }

    @Override
    public void free(Buffer buffer) {
        device.free(buffer);
    }

    @Override
    public void write(MemorySegment from, Tensor to) {
        device.write(from, to);
    }

    @Override
    public void read(Tensor from, MemorySegment to) {
        device.read(from, to);
    }

    @Override
    public Buffer wrap(MemorySegment memory) {
        return device.wrap(memory);
    }

    @Override
    public Buffer wrapWritable(MemorySegment memory) {
        return device.wrapWritable(memory);
    }

    @Override
    public long packedBytes(long rows, long columns, DType dtype) {
        return device.packedBytes(rows, columns, dtype);
    }

    @Override
    public long packedBytes(long rows, long columns, QuantType type) {
        return device.packedBytes(rows, columns, type);
    }

    @Override
    public long packedScales(long rows, long columns, QuantType type) {
        return device.packedScales(rows, columns, type);
    }

    @Override
    public long scratchBytes(Instruction instruction) {
        return device.scratchBytes(instruction);
    }

    @Override
    public Program compile(List<Instruction> instructions, Buffer scratch) {
        return device.compile(instructions, scratch);
    }

    @Override
    public void close() {
        device.close();
    }
}
