package dev.sartor.tape;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.CheckFinite;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * The first NaN or infinity of a step.
 *
 * @param instruction the first whose result has one
 * @param element its index in that result
 * @param input whether it was already in something the instruction read from outside the step, such
 *     as a parameter
 */
public record NonFinite(Instruction instruction, long element, boolean input) {
    @Override
    public String toString() {
        var what = instruction.kernel().name() + " at " + (instruction.where().isEmpty() ? "the start" : instruction.where());
        return input
                ? "a tensor that " + what + " reads (a weight or parameter) has a NaN or infinity at element " + element
                : what + " made the first NaN or infinity, at element " + element + " of its result";
    }

    /** Runs bound instructions one by one until a result is not finite. */
    static Optional<NonFinite> find(Device device, List<Instruction> instructions, Buffer scratch) {
        try (var scope = new Scope(Scope.Kind.STEP, device)) {
            var found = scope.allocate(TensorSpec.of(DType.INT64, 1));
            for (var instruction : instructions) {
                var kernel = instruction.kernel();
                for (var read : kernel.reads()) {
                    boolean statistic = kernel instanceof AttentionBackward b && read == b.logSumExp();
                    long element = statistic ? -1 : element(device, read, found);
                    if (element >= 0) {
                        return Optional.of(new NonFinite(instruction, element, true));
                    }
                }
                run(device, instruction, scratch);
                for (var written : kernel.writes()) {
                    // A query that sees no key has a log-sum-exp of minus infinity, which is no fault.
                    boolean expected = kernel instanceof Attention a && written == a.logSumExp();
                    long element = expected ? -1 : element(device, written, found);
                    if (element >= 0) {
                        return Optional.of(new NonFinite(instruction, element, false));
                    }
                }
            }
            return Optional.empty();
        }
    }

    private static long element(Device device, Tensor tensor, Tensor found) {
        if (tensor.dtype() != DType.FLOAT32 && tensor.dtype() != DType.BFLOAT16) {
            return -1;
        }
        Eager.run(device, "check", new CheckFinite(tensor, found));
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(ValueLayout.JAVA_LONG);
            device.read(found, host);
            return host.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private static void run(Device device, Instruction instruction, Buffer scratch) {
        try (var program = device.compile(List.of(instruction), scratch)) {
            device.submit(program);
        }
    }
}
