package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The fused LoRA linear layer of rank 16; backward to x, A and B. */
public class LoraLinearBenchmark extends KernelBenchmark {
    private static final long RANK = 16;
    private static final float SCALING = 2;

    /** Tokens, features in, features out. */
    @Param({"1024x768x2048", "512x896x4864"})
    public String shape;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        long[] sizes = Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        long tokens = sizes[0];
        long in = sizes[1];
        long out = sizes[2];
        var x = normal(dtype, tokens, in);
        var weight = packed(normal(dtype, out, in));
        var loraA = normal(DType.FLOAT32, RANK, in);
        var loraB = normal(DType.FLOAT32, out, RANK);
        var h = zeros(DType.FLOAT32, tokens, RANK);
        double product = 2.0 * tokens * in * out;
        double update = 2.0 * tokens * RANK * (in + out);
        var linear = new LoraLinear(x, weight, null, loraA, loraB, zeros(dtype, tokens, out), h, null, 0, SCALING, 0);
        forward = measured("forward", Work.of(product + update, linear), linear);
        var gradients = new LoraLinearBackward(
                normal(dtype, tokens, out), x, h, weight, loraA, loraB, zeros(dtype, tokens, in),
                zeros(DType.FLOAT32, RANK, in), zeros(DType.FLOAT32, out, RANK), null, null, null, 0, SCALING, 0, false);
        // Of the update: dy B and g A on the way to x, g^T x and dy^T h for A and B.
        backward = measured("backward", Work.of(product + 2 * update, gradients), gradients);
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
