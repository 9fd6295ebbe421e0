package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The largest scratch that instructions need. A model's layers are alike, so each kind is asked about once. */
final class Scratch {
    /** What a device may look at, besides the numbers that all of a model's layers share. */
    private record Kind(Class<? extends Kernel> kernel, List<TensorSpec> reads, List<TensorSpec> writes, int window) {
        static Kind of(Kernel kernel) {
            int window = switch (kernel) {
                case dev.sartor.device.kernel.Attention attention -> attention.window();
                case dev.sartor.device.kernel.AttentionBackward attention -> attention.window();
                default -> 0;
            };
            return new Kind(kernel.getClass(), kernel.reads().stream().map(Tensor::spec).toList(),
                    kernel.writes().stream().map(Tensor::spec).toList(), window);
        }
    }

    private Scratch() {}

    static long bytes(List<Instruction> instructions, Device device) {
        return Memory.align(kinds(instructions).stream().mapToLong(device::scratchBytes).max().orElse(0));
    }

    /** One instruction of each kind. */
    static List<Instruction> kinds(List<Instruction> instructions) {
        Set<Kind> seen = new HashSet<>();
        return instructions.stream().filter(instruction -> seen.add(Kind.of(instruction.kernel()))).toList();
    }
}
