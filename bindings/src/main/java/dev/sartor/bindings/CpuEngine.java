package dev.sartor.bindings;

import dev.sartor.bindings.cpu.sartor_failure;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_instruction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An open CPU engine (sartor_engine in sartor.h): threads and an instruction set. Safe for use from
 * several threads; one program at a time runs, and {@link #close()} waits for it.
 */
public final class CpuEngine implements AutoCloseable {
    private final Arena arena;
    private final MemorySegment failure;
    private final MemorySegment handle;
    private boolean open = true;

    private CpuEngine(Arena arena, MemorySegment failure, MemorySegment handle) {
        this.arena = arena;
        this.failure = failure;
        this.handle = handle;
    }

    /**
     * Loads the library where that has not happened yet, and opens an engine.
     *
     * @param threads number of threads, the caller's included; 0 takes one for each core that the Java virtual
     *     machine may use
     * @param isa {@code avx512_bf16}, {@code avx512}, {@code avx2}, {@code neon} or {@code portable}; null takes
     *     what the environment variable {@code SARTOR_ISA} names, else the best that the processor has
     * @throws NativeLibraryException where the library cannot be used
     * @throws NativeException where the instruction set is not to be had or the system refuses threads or memory
     */
    public static CpuEngine open(int threads, String isa) {
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be 0 (one per core) or more, not " + threads);
        }
        CpuLibrary.load();
        Arena arena = Arena.ofShared();
        try {
            MemorySegment failure = sartor_failure.allocate(arena);
            MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
            MemorySegment name = isa == null ? MemorySegment.NULL : arena.allocateFrom(isa);
            // The virtual machine knows a container's share of the cores, which the system's affinity does not tell.
            int cores = Runtime.getRuntime().availableProcessors();
            Status status = Status.of(sartor_h.sartor_open(threads, cores, name, result, failure));
            if (status != Status.OK) {
                throw new NativeException(status, -1, sartor_failure.message(failure).getString(0));
            }
            return new CpuEngine(arena, failure, result.get(ValueLayout.ADDRESS, 0));
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** The instruction set in use, for example {@code avx512_bf16}. */
    public synchronized String isa() {
        return sartor_h.sartor_isa(handle()).getString(0);
    }

    /** Number of threads, the caller's included. */
    public synchronized int threads() {
        return sartor_h.sartor_threads(handle());
    }

    /**
     * Bytes of scratch memory that an instruction needs.
     *
     * @param instruction a {@link sartor_instruction} whose arguments' sizes and types are filled; pointers are
     *     only compared with null
     * @throws NativeException with {@link Status#BAD_OP} where the library does not know it
     */
    public synchronized long scratchBytes(MemorySegment instruction) {
        long bytes = sartor_h.sartor_scratch_bytes(handle(), instruction);
        if (bytes < 0) {
            throw new NativeException(Status.BAD_OP, -1, "op " + sartor_instruction.op(instruction)
                    + " with arguments of " + sartor_instruction.size(instruction) + " bytes: " + Status.BAD_OP.meaning());
        }
        return bytes;
    }

    /**
     * Runs a program on the calling thread and the engine's workers; returns when it is done.
     *
     * @param program array of {@link sartor_instruction}
     * @param count number of instructions
     * @param scratch memory aligned to 64 bytes, as large as the largest {@link #scratchBytes}
     * @throws NativeException where an instruction failed; those after it did not run
     */
    public synchronized void submit(MemorySegment program, long count, MemorySegment scratch) {
        MemorySegment engine = handle();
        if (count < 0 || count * sartor_instruction.sizeof() > program.byteSize()) {
            throw new IllegalArgumentException("a program of " + program.byteSize() + " bytes does not hold "
                    + count + " instructions");
        }
        int code = sartor_h.sartor_submit(engine, program, count, scratch, scratch.byteSize(), failure);
        if (code != sartor_h.SARTOR_OK()) {
            throw new NativeException(Status.of(code), sartor_failure.instruction(failure),
                    sartor_failure.message(failure).getString(0));
        }
    }

    /** Ends the engine's threads; a second call does nothing. */
    @Override
    public synchronized void close() {
        if (open) {
            open = false;
            sartor_h.sartor_close(handle);
            arena.close();
        }
    }

    private MemorySegment handle() {
        if (!open) {
            throw new IllegalStateException("the engine is closed");
        }
        return handle;
    }
}
