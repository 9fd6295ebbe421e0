package dev.sartor.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_instruction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Opening, closing and failing: each failure is an exception with the library's words. */
class CpuEngineTest {
    @Test
    void opensWithTheThreadsAndInstructionSetAskedFor() {
        try (var engine = CpuEngine.open(2, "portable")) {
            assertEquals(2, engine.threads());
            assertEquals("portable", engine.isa());
            engine.submit(MemorySegment.NULL, 0, MemorySegment.NULL);
        }
    }

    @Test
    void unknownInstructionSet() {
        var e = assertThrows(NativeException.class, () -> CpuEngine.open(1, "mmx"));
        assertEquals(Status.BAD_ISA, e.status());
        assertTrue(e.getMessage().contains("mmx"), e.getMessage());
    }

    @Test
    void negativeThreads() {
        assertThrows(IllegalArgumentException.class, () -> CpuEngine.open(-1, null));
    }

    @Test
    void unknownOp() {
        try (var engine = CpuEngine.open(1, null); var arena = Arena.ofConfined()) {
            MemorySegment instruction = sartor_instruction.allocate(arena);
            sartor_instruction.op(instruction, sartor_h.SARTOR_OP_COUNT());
            var e = assertThrows(NativeException.class, () -> engine.submit(instruction, 1, MemorySegment.NULL));
            assertEquals(Status.BAD_OP, e.status());
            assertEquals(0, e.instruction());
            assertEquals(Status.BAD_OP,
                    assertThrows(NativeException.class, () -> engine.scratchBytes(instruction)).status());
        }
    }

    @Test
    void programShorterThanItsCount() {
        try (var engine = CpuEngine.open(1, null); var arena = Arena.ofConfined()) {
            MemorySegment instruction = sartor_instruction.allocate(arena);
            assertThrows(IllegalArgumentException.class, () -> engine.submit(instruction, 2, MemorySegment.NULL));
        }
    }

    @Test
    void closedEngine() {
        var engine = CpuEngine.open(1, null);
        engine.close();
        engine.close();
        assertThrows(IllegalStateException.class, engine::threads);
        assertThrows(IllegalStateException.class, () -> engine.submit(MemorySegment.NULL, 0, MemorySegment.NULL));
    }

    @Test
    void memoryIsZeroedAndAligned() {
        MemorySegment memory = NativeMemory.allocate(1000);
        assertEquals(1000, memory.byteSize());
        assertEquals(0, memory.address() % 64);
        assertEquals(-1, memory.mismatch(MemorySegment.ofArray(new byte[1000])));
        memory.fill((byte) 1);
        NativeMemory.free(memory);
    }

    @Test
    void memoryThatNoSystemHas() {
        var e = assertThrows(NativeException.class, () -> NativeMemory.allocate(1L << 60));
        assertEquals(Status.NO_MEMORY, e.status());
        assertTrue(e.getMessage().contains(Long.toString(1L << 60)), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> NativeMemory.allocate(0));
    }

    @Test
    void everyStatusOfTheHeaderIsKnown() {
        for (Status status : Status.values()) {
            if (status != Status.UNKNOWN) {
                assertEquals(status, Status.of(status.ordinal()));
            }
        }
        assertEquals(Status.UNKNOWN, Status.of(12345));
    }
}
