package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** RMSNorm of 1024 tokens of width 768; backward for a frozen weight, as LoRA needs it. */
public class RmsNormBenchmark extends KernelBenchmark {
    private static final long TOKENS = 1024;
    private static final long WIDTH = 768;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        var x = normal(dtype, TOKENS, WIDTH);
        var weight = normal(DType.FLOAT32, WIDTH);
        var inverseRms = zeros(DType.FLOAT32, TOKENS);
        forward = program(new RmsNorm(x, weight, zeros(dtype, TOKENS, WIDTH), inverseRms, 1e-5f));
        backward = program(new RmsNormBackward(
                normal(dtype, TOKENS, WIDTH), x, weight, inverseRms, zeros(dtype, TOKENS, WIDTH), null, false));
        submit(forward);
    }

    @Benchmark
    public void forward() {
        submit(forward);
    }

    @Benchmark
    public void backward() {
        submit(backward);
    }
}
