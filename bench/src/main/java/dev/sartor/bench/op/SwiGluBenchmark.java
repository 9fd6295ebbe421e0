package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** SwiGLU of 1024 tokens of width 2048. */
public class SwiGluBenchmark extends KernelBenchmark {
    private static final long TOKENS = 1024;
    private static final long WIDTH = 2048;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        var gate = normal(dtype, TOKENS, WIDTH);
        var up = normal(dtype, TOKENS, WIDTH);
        forward = program(new Activation(gate, up, zeros(dtype, TOKENS, WIDTH), ActivationKind.SILU));
        backward = program(new ActivationBackward(normal(dtype, TOKENS, WIDTH), gate, up,
                zeros(dtype, TOKENS, WIDTH), zeros(dtype, TOKENS, WIDTH), ActivationKind.SILU));
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
