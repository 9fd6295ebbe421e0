package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Sample;
import dev.sartor.device.kernel.SumSquares;
import dev.sartor.device.kernel.WeightedSum;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * Kernels on float32 state: optimizers and reductions over 16 Mi parameters in one tensor; sampling
 * from 256 rows of 32000 logits with top-k 50 and top-p 0.9.
 */
public class StateBenchmark extends KernelBenchmark {
    private static final long PARAMETERS = 16L << 20;
    private static final int LOGIT_ROWS = 256;
    private static final int VOCABULARY = 32000;

    /** What runs. */
    public enum State {
        ADAMW, SUM_SQUARES, WEIGHTED_SUM, DORA_SCALE, SAMPLE
    }

    @Param
    public State kernel;

    private Program program;

    @Override
    protected void prepare() {
        switch (kernel) {
            case ADAMW -> {
                var parameter = parameters();
                var m = state();
                var v = state();
                var adamw = new AdamW(parameter, parameters(), m, v, null, schedule(), 0.9f, 0.999f, 1e-8f, 0);
                measure(Work.streaming(adamw).updating(parameter, m, v), adamw);
            }
            case SUM_SQUARES -> stream(new SumSquares(parameters(), zeros(DType.FLOAT64, 1), false));
            case WEIGHTED_SUM -> stream(new WeightedSum(parameters(), parameters(), zeros(DType.FLOAT32, 1), false));
            case DORA_SCALE -> {
                long size = 4096;
                long rank = 16;
                var scale = new DoraScale(packed(normal(DType.FLOAT32, size, size)), normal(DType.FLOAT32, rank, size),
                        normal(DType.FLOAT32, size, rank), normal(DType.FLOAT32, size), zeros(DType.FLOAT32, size),
                        zeros(DType.FLOAT32, size), 2);
                measure(Work.of(2.0 * size * size * rank, scale), scale);
            }
            case SAMPLE -> stream(new Sample(normal(DType.FLOAT32, LOGIT_ROWS, VOCABULARY), zeros(DType.INT32, LOGIT_ROWS),
                    null, zeros(DType.INT64, 2), 1, 0.9f, 50));
        }
    }

    private void stream(Kernel kernel) {
        measure(Work.streaming(kernel), kernel);
    }

    private void measure(Work work, Kernel kernel) {
        program = measured("run", work, kernel);
    }

    private Tensor parameters() {
        return normal(DType.FLOAT32, PARAMETERS);
    }

    private Tensor state() {
        return zeros(DType.FLOAT32, PARAMETERS);
    }

    /** A learning rate, and the number of the step. */
    private Tensor schedule() {
        var schedule = zeros(DType.INT32, 2);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(8, 4);
            host.set(ValueLayout.JAVA_FLOAT, 0, 1e-4f);
            host.set(ValueLayout.JAVA_INT, 4, 1);
            device().write(host, schedule);
        }
        return schedule;
    }

    @Benchmark
    public void run() {
        submit(program);
    }
}
