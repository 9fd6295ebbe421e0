package dev.sartor.backend.cpu;

import dev.sartor.bindings.CpuEngine;
import dev.sartor.bindings.CpuLibrary;
import dev.sartor.bindings.NativeException;
import dev.sartor.bindings.NativeLibraryException;
import dev.sartor.bindings.NativeMemory;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_instruction;
import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import dev.sartor.device.QuantType;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The processor, through the native library. What kernels are given is checked in Java when a program
 * is compiled; a run is a single native call.
 *
 * <p>Safe for use from several threads. One program runs at a time; copies, frees and closes wait for
 * it, so nothing is pulled from under a kernel. Only memory that was wrapped is out of its hands: its
 * owner must keep it until the programs that read it have run.
 */
public final class CpuDevice implements Device {
    private final CpuEngine engine;
    private final Operations operations;
    private final String isa;
    private final int threads;
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<CpuBuffer> allocated = Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean closed;

    private CpuDevice(CpuEngine engine, Operations operations) {
        this.engine = engine;
        this.operations = operations;
        this.isa = engine.isa();
        this.threads = engine.threads();
    }

    /** As {@link #open(int, String)}, with a thread for each available core. */
    public static CpuDevice open() {
        return open(0);
    }

    /** As {@link #open(int, String)}, with the instruction set that {@code SARTOR_ISA} names, or else the best. */
    public static CpuDevice open(int threads) {
        return open(threads, null);
    }

    /**
     * @param threads the calling thread included; 0: one for each core that the Java virtual machine may use
     * @param isa instruction set: {@code avx512_bf16}, {@code avx512}, {@code avx2}, {@code neon},
     *     {@code portable}; null: what the environment variable {@code SARTOR_ISA} names, or else the
     *     best
     * @throws DeviceException if the native library is missing or does not fit, or the processor lacks
     *     the instruction set
     */
    public static CpuDevice open(int threads, String isa) {
        try {
            var operations = Operations.of(CpuLibrary.load());
            return new CpuDevice(CpuEngine.open(threads, isa), operations);
        } catch (NativeLibraryException | NativeException | IllegalArgumentException refused) {
            throw new DeviceException("the CPU device does not open: " + refused.getMessage(), refused);
        }
    }

    /** The instruction sets that this processor and this build of the library have, best first. */
    public static List<String> instructionSets() {
        return Stream.of("avx512_bf16", "avx512", "avx2", "neon", "portable").filter(CpuDevice::opens).toList();
    }

    private static boolean opens(String isa) {
        try (var device = open(1, isa)) {
            return device.isa().equals(isa);
        } catch (DeviceException refused) {
            return false;
        }
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return isa + ", " + threads + (threads == 1 ? " thread" : " threads");
    }

    /** The instruction set in use. */
    public String isa() {
        return isa;
    }

    public int threads() {
        return threads;
    }

    // Memory

    @Override
    public Buffer allocate(long bytes) {
        if (bytes <= 0) {
            throw new DeviceException("a buffer of " + bytes + " bytes was asked for, expected more than zero");
        }
        return locked(() -> {
            var buffer = new CpuBuffer(this, memory(bytes), false);
            allocated.add(buffer);
            return buffer;
        });
    }

    private MemorySegment memory(long bytes) {
        try {
            return NativeMemory.allocate(bytes);
        } catch (NativeException refused) {
            throw new DeviceException("no memory for a buffer of %,d bytes; this device holds %,d bytes already: %s"
                    .formatted(bytes, allocatedBytes(), refused.getMessage()), refused);
        }
    }

    /** Bytes of all buffers that were allocated and not yet freed. */
    public long allocatedBytes() {
        lock.lock();
        try {
            return allocated.stream().mapToLong(CpuBuffer::bytes).sum();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Frees at once, when no program runs. Closing the device has freed everything: then, and for
     * wrapped memory, this does nothing.
     */
    @Override
    public void free(Buffer buffer) {
        lock.lock();
        try {
            if (!(buffer instanceof CpuBuffer own) || own.device() != this) {
                throw new DeviceException("the buffer to be freed is " + origin(buffer));
            }
            if (own.isWrapped() || closed) {
                return;
            }
            if (!own.isUsable()) {
                throw new DeviceException("the buffer of " + own.bytes() + " bytes was freed already");
            }
            release(own);
        } finally {
            lock.unlock();
        }
    }

    private void release(CpuBuffer buffer) {
        allocated.remove(buffer);
        buffer.markFreed();
        NativeMemory.free(buffer.memory());
    }

    /** Only to be read by kernels. Its owner keeps it until the programs that read it have run. */
    @Override
    public Buffer wrap(MemorySegment memory) {
        return wrapWritable(memory.asReadOnly());
    }

    /** Its owner keeps it until the programs that use it have run. */
    @Override
    public Buffer wrapWritable(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new DeviceException("only native or mapped memory can be wrapped, not an array of the Java heap");
        }
        return new CpuBuffer(this, memory, true);
    }

    @Override
    public void write(MemorySegment from, Tensor to) {
        locked(() -> bytesOf(to, from.byteSize(), true, "write").copyFrom(from));
    }

    @Override
    public void read(Tensor from, MemorySegment to) {
        locked(() -> to.copyFrom(bytesOf(from, to.byteSize(), false, "read")));
    }

    private MemorySegment bytesOf(Tensor tensor, long hostBytes, boolean written, String what) {
        long bytes = tensor.spec().bytes();
        if (bytes != hostBytes) {
            throw new DeviceException("%s: %s has %d bytes, the host memory %d: expected the same".formatted(
                    what, tensor.spec(), bytes, hostBytes));
        }
        try {
            var buffer = usable(tensor.storage(), written);
            return buffer.memory().asSlice(tensor.storage().position() + tensor.offset(), bytes);
        } catch (IllegalArgumentException unusable) {
            throw new DeviceException(what + " of " + tensor.spec() + ": expected usable memory, got " + unusable.getMessage());
        }
    }

    /** @throws IllegalArgumentException that tells what kind of memory it is, if it cannot be used */
    private CpuBuffer usable(Storage storage, boolean written) {
        if (!storage.isPlaced()) {
            throw new IllegalArgumentException("memory that was not yet placed");
        }
        if (!(storage.buffer() instanceof CpuBuffer buffer) || buffer.device() != this) {
            throw new IllegalArgumentException(origin(storage.buffer()));
        }
        if (!buffer.isUsable()) {
            throw new IllegalArgumentException("a buffer of " + buffer.bytes() + " bytes that was freed");
        }
        if (written && buffer.memory().isReadOnly()) {
            throw new IllegalArgumentException("wrapped memory, which is only read");
        }
        return buffer;
    }

    private static String origin(Buffer buffer) {
        return buffer == null ? "none"
                : buffer instanceof CpuBuffer ? "a buffer of another CPU device" : "a buffer of another kind of device";
    }

    // Sizes

    @Override
    public long packedBytes(long rows, long columns, DType dtype) {
        boolean packable = dtype == DType.FLOAT32 || dtype == DType.BFLOAT16;
        long bytes = !packable || rows <= 0 || columns <= 0 ? -1
                : locked(() -> sartor_h.sartor_packed_bytes(
                        rows, columns, dtype == DType.FLOAT32 ? sartor_h.SARTOR_FLOAT32() : sartor_h.SARTOR_BFLOAT16()));
        if (bytes < 0) {
            throw new DeviceException("a weight [%d, %d] of %s cannot be packed: expected float32 or bfloat16, and at "
                    .formatted(rows, columns, Arguments.text(dtype)) + "least one row and column");
        }
        return bytes;
    }

    @Override
    public long packedBytes(long rows, long columns, QuantType type) {
        return packedSize(rows, columns, type, sartor_h::sartor_packed_bytes);
    }

    @Override
    public long packedScales(long rows, long columns, QuantType type) {
        return packedSize(rows, columns, type, sartor_h::sartor_packed_scales);
    }

    private interface PackedSize {
        long of(long rows, long columns, int code);
    }

    private long packedSize(long rows, long columns, QuantType type, PackedSize size) {
        if (rows <= 0 || columns <= 0) {
            throw new DeviceException("a weight [%d, %d] of %s cannot be packed: expected at least one row and column"
                    .formatted(rows, columns, type));
        }
        return locked(() -> size.of(rows, columns, Arguments.code(type)));
    }

    /** Looks at shapes, types and which tensors there are; never at memory. */
    @Override
    public long scratchBytes(Instruction instruction) {
        return locked(() -> {
            try (var arena = Arena.ofConfined()) {
                operations.require(instruction);
                var encoded = sartor_instruction.allocate(arena);
                set(encoded, instruction, Encoder.encode(instruction, Addresses.UNPLACED, arena));
                return scratchBytes(encoded, instruction);
            }
        });
    }

    private long scratchBytes(MemorySegment encoded, Instruction instruction) {
        try {
            return engine.scratchBytes(encoded);
        } catch (NativeException refused) {
            throw new DeviceException(Arguments.describe(instruction) + ": scratch: " + refused.getMessage(), refused);
        }
    }

    private static void set(MemorySegment target, Instruction instruction, MemorySegment arguments) {
        sartor_instruction.op(target, Operation.of(instruction.kernel()).code());
        sartor_instruction.size(target, (int) arguments.byteSize());
        sartor_instruction.arguments(target, arguments);
    }

    // Programs

    @Override
    public Program compile(List<Instruction> instructions, Buffer scratch) {
        var program = List.copyOf(instructions);
        return locked(() -> {
            var scratchMemory = scratch == null ? MemorySegment.NULL : scratchMemory(scratch);
            var arena = Arena.ofShared();
            try {
                return encode(program, scratch, scratchMemory, arena);
            } catch (Throwable failed) {
                arena.close();
                throw failed;
            }
        });
    }

    private MemorySegment scratchMemory(Buffer scratch) {
        if (!(scratch instanceof CpuBuffer own) || own.device() != this) {
            throw new DeviceException("scratch: expected a buffer of this device, got " + origin(scratch));
        }
        if (!own.isUsable() || own.isWrapped()) {
            throw new DeviceException("scratch: expected a buffer that was allocated and not freed");
        }
        return own.memory();
    }

    private CpuProgram encode(List<Instruction> program, Buffer scratch, MemorySegment scratchMemory, Arena arena) {
        Set<CpuBuffer> used = Collections.newSetFromMap(new IdentityHashMap<>());
        if (scratch != null) {
            used.add((CpuBuffer) scratch);
        }
        Addresses addresses = (storage, offset, bytes, written) -> {
            var buffer = usable(storage, written);
            if (buffer == scratch) {
                throw new IllegalArgumentException("the buffer that the program has as scratch");
            }
            used.add(buffer);
            return buffer.memory().asSlice(storage.position() + offset, bytes);
        };
        var encoded = sartor_instruction.allocateArray(Math.max(1, program.size()), arena);
        for (int i = 0; i < program.size(); i++) {
            var instruction = program.get(i);
            var target = sartor_instruction.asSlice(encoded, i);
            try {
                operations.require(instruction);
                set(target, instruction, Encoder.encode(instruction, addresses, arena));
                long need = scratchBytes(target, instruction);
                if (need > scratchMemory.byteSize()) {
                    throw new DeviceException("%s: scratch: expected %d bytes, got %d"
                            .formatted(Arguments.describe(instruction), need, scratchMemory.byteSize()));
                }
            } catch (DeviceException refused) {
                throw new DeviceException(position(i, program.size()) + refused.getMessage(), refused);
            }
        }
        return new CpuProgram(this, arena, program, encoded, scratchMemory, List.copyOf(used));
    }

    private static String position(long index, int count) {
        return "instruction " + index + " of " + count + ": ";
    }

    @Override
    public void submit(Program program) {
        lock.lock();
        try {
            requireOpen();
            if (!(program instanceof CpuProgram own) || own.device() != this) {
                throw new DeviceException("the program was compiled for another device than this one (cpu: " + description() + ")");
            }
            if (!own.isOpen()) {
                throw new DeviceException("the program of " + own.instructions().size() + " instructions was closed");
            }
            for (var buffer : own.buffers()) {
                if (!buffer.isUsable()) {
                    throw new DeviceException("the program of %d instructions uses a buffer of %d bytes that was freed"
                            .formatted(own.instructions().size(), buffer.bytes()));
                }
            }
            run(own);
        } finally {
            lock.unlock();
        }
    }

    private void run(CpuProgram program) {
        try {
            engine.submit(program.program(), program.instructions().size(), program.scratch());
        } catch (NativeException failed) {
            throw new DeviceException(blame(program.instructions(), failed.instruction()) + failed.reason()
                    + " (" + failed.status() + ")", failed);
        }
    }

    private static String blame(List<Instruction> instructions, long index) {
        return index < 0 || index >= instructions.size()
                ? "program of " + instructions.size() + " instructions: "
                : position(index, instructions.size()) + Arguments.describe(instructions.get((int) index)) + ": ";
    }

    void close(CpuProgram program) {
        lock.lock();
        try {
            if (program.isOpen()) {
                program.arena().close();
            }
        } finally {
            lock.unlock();
        }
    }

    // Closing

    /** Waits for a program that runs, then frees all buffers and stops the threads. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                List.copyOf(allocated).forEach(this::release);
                engine.close();
                closed = true;
            }
        } finally {
            lock.unlock();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new DeviceException("the CPU device was closed");
        }
    }

    private <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            requireOpen();
            return action.get();
        } finally {
            lock.unlock();
        }
    }
}
