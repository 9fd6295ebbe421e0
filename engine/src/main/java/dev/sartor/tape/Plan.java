package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.Storage;
import java.util.List;
import java.util.Map;

/**
 * A recording with a place for everything.
 *
 * @param offsets of each storage in the step's slab, in bytes
 * @param slabBytes size of the slab
 * @param scratchBytes the largest scratch that any instruction needs
 * @param leastBytes the most that is alive at one time: what no layout can beat
 */
public record Plan(
        List<Instruction> instructions, Map<Storage, Long> offsets, long slabBytes, long scratchBytes, long leastBytes) {

    /** Slab and scratch together. */
    public long bytes() {
        return slabBytes + scratchBytes;
    }

    /** Puts every storage in its place. */
    void place(Buffer slab) {
        offsets.forEach((storage, offset) -> storage.place(slab, offset));
    }

    /** Puts every storage in its place and makes the program. */
    public Program bind(Device device, Buffer slab, Buffer scratch) {
        place(slab);
        return device.compile(instructions, scratch);
    }
}
