package dev.sartor.bench.step;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import dev.sartor.tensor.Buffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A device that runs every instruction as a program of its own and adds up the times of equal ones. */
final class ProfilingDevice extends MeteredDevice {
    /** What is told apart: a kernel on tensors of certain shapes. */
    private final Map<KernelShape, Cost> costs = new HashMap<>();

    /** @param calls and seconds, all together */
    record Cost(long calls, double seconds) {
        Cost plus(double more) {
            return new Cost(calls + 1, seconds + more);
        }
    }

    private record Timed(KernelShape shape, Program program) {}

    private record Profiled(List<Timed> parts) implements Program {
        @Override
        public void close() {
            parts.forEach(part -> part.program.close());
        }
    }

    ProfilingDevice(Device device) {
        super(device);
    }

    Map<KernelShape, Cost> costs() {
        return costs;
    }

    void forget() {
        costs.clear();
    }

    @Override
    public Program compile(List<Instruction> instructions, Buffer scratch) {
        return new Profiled(instructions.stream()
                .map(each -> new Timed(KernelShape.of(each.kernel()), super.compile(List.of(each), scratch)))
                .toList());
    }

    @Override
    public void submit(Program program) {
        for (var part : ((Profiled) program).parts) {
            long begun = System.nanoTime();
            super.submit(part.program);
            double seconds = (System.nanoTime() - begun) / 1e9;
            costs.merge(part.shape, new Cost(1, seconds), (before, once) -> before.plus(once.seconds));
        }
    }
}
