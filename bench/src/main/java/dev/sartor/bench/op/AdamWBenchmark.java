package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.AdamW;
import dev.sartor.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.openjdk.jmh.annotations.Benchmark;

/** One AdamW step of as many parameters as LoRA r16 trains in the 134M Llama shape, in one tensor. */
public class AdamWBenchmark extends KernelBenchmark {
    private static final long PARAMETERS = 12L * 16 * (4 * (768 + 768) + 3 * (768 + 2048));

    private Program step;

    @Override
    protected void prepare() {
        var schedule = zeros(DType.INT32, 2);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(8, 4);
            host.set(ValueLayout.JAVA_FLOAT, 0, 1e-4f);
            host.set(ValueLayout.JAVA_INT, 4, 1);
            device().write(host, schedule);
        }
        step = program(new AdamW(normal(DType.FLOAT32, PARAMETERS), normal(DType.FLOAT32, PARAMETERS),
                zeros(DType.FLOAT32, PARAMETERS), zeros(DType.FLOAT32, PARAMETERS), null, schedule, 0.9f, 0.999f, 1e-8f, 0));
    }

    @Benchmark
    public void step() {
        submit(step);
    }
}
