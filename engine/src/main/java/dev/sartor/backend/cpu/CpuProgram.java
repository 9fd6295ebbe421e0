package dev.sartor.backend.cpu;

import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Instructions with their argument structs in native memory, ready for one call.
 *
 * @param arena owns the native memory
 * @param program array of {@code sartor_instruction}
 * @param scratch its memory, or NULL
 * @param buffers every buffer that the program touches
 */
record CpuProgram(
        CpuDevice device,
        Arena arena,
        List<Instruction> instructions,
        MemorySegment program,
        MemorySegment scratch,
        List<CpuBuffer> buffers)
        implements Program {
    boolean isOpen() {
        return arena.scope().isAlive();
    }

    /** Waits until a run that is under way has ended. */
    @Override
    public void close() {
        device.close(this);
    }
}
