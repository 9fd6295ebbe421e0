package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.WeightKind;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** y = x W^T and dx = dy W with a packed weight, quantized or dense. */
public class QuantizedGemmBenchmark extends KernelBenchmark {
    /** Rows of x, features in, features out. */
    @Param({"512x2048x5632", "512x896x4864", "512x768x2048"})
    public String shape;

    @Param
    public WeightKind weight;

    @Param("BFLOAT16")
    public DType dtype;

    private Program forward;
    private Program inputGradient;

    @Override
    protected void prepare() {
        long[] sizes = Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        var x = normal(dtype, sizes[0], sizes[1]);
        var y = normal(dtype, sizes[0], sizes[2]);
        var matrix = packed(normal(dtype, sizes[2], sizes[1]), weight);
        double flops = 2.0 * sizes[0] * sizes[1] * sizes[2];
        var linear = new LoraLinear(x, matrix, null, null, null, y, null, null, 0, 0, 0);
        forward = measured("forward", Work.of(flops, linear), linear);
        var gradient = new LoraLinearBackward(
                y, null, null, matrix, null, null, x, null, null, null, null, null, 0, 0, 0, false);
        inputGradient = measured("inputGradient", Work.of(flops, gradient), gradient);
    }

    @Benchmark
    public void forward() {
        submit(forward);
    }

    @Benchmark
    public void inputGradient() {
        submit(inputGradient);
    }
}
