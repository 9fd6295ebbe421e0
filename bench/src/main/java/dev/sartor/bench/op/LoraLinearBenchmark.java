package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The fused LoRA linear layer: 1024 tokens, 768 features in, 2048 out, rank 16; backward to x, A and B. */
public class LoraLinearBenchmark extends KernelBenchmark {
    private static final long TOKENS = 1024;
    private static final long IN = 768;
    private static final long OUT = 2048;
    private static final long RANK = 16;
    private static final float SCALING = 2;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        var x = normal(dtype, TOKENS, IN);
        var weight = packed(normal(dtype, OUT, IN));
        var loraA = normal(DType.FLOAT32, RANK, IN);
        var loraB = normal(DType.FLOAT32, OUT, RANK);
        var h = zeros(DType.FLOAT32, TOKENS, RANK);
        forward = program(new LoraLinear(
                x, weight, null, loraA, loraB, zeros(dtype, TOKENS, OUT), h, null, 0, SCALING, 0));
        backward = program(new LoraLinearBackward(
                normal(dtype, TOKENS, OUT), x, h, weight, loraA, loraB, zeros(dtype, TOKENS, IN),
                zeros(DType.FLOAT32, RANK, IN), zeros(DType.FLOAT32, OUT, RANK), null, null, null, 0, SCALING, 0, false));
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
