package dev.sartor.tape;

import dev.sartor.device.Instruction;
import dev.sartor.tensor.Storage;
import java.util.List;
import java.util.Set;

/**
 * What a tape wrote down.
 *
 * @param arguments storages that somebody fills before the first instruction
 * @param results storages that somebody reads after the last instruction
 */
public record Recording(List<Instruction> instructions, List<Storage> arguments, Set<Storage> results) {
    /** Without arguments. */
    public Recording(List<Instruction> instructions, Set<Storage> results) {
        this(instructions, List.of(), results);
    }
}
