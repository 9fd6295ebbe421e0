package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.WeightKind;
import dev.sartor.bench.Work;
import dev.sartor.device.Matrix;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** y = x W^T and dx = dy W with a packed quantized weight, by turns with the dense one. */
public class QuantizedGemmBenchmark extends KernelBenchmark {
    /** Rows of x, features in, features out. */
    @Param({"512x2048x5632", "512x896x4864", "512x768x2048"})
    public String shape;

    @Param({"NF4", "NF4_DOUBLE", "INT8"})
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
        var values = normal(dtype, sizes[2], sizes[1]);
        double flops = 2.0 * sizes[0] * sizes[1] * sizes[2];
        var quantized = packed(values, weight);
        forward = measured("forward", Work.of(flops, linear(x, quantized, y)), linear(x, quantized, y));
        inputGradient = measured("inputGradient", Work.of(flops, gradient(y, quantized, x)), gradient(y, quantized, x));
        var dense = packed(values);
        var denseForward = program(linear(x, dense, y));
        var denseGradient = program(gradient(y, dense, x));
        beside("forward", flops, () -> submit(denseForward));
        beside("inputGradient", flops, () -> submit(denseGradient));
    }

    private static LoraLinear linear(Tensor x, Matrix weight, Tensor y) {
        return new LoraLinear(x, weight, null, null, null, y, null, null, 0, 0, 0);
    }

    private static LoraLinearBackward gradient(Tensor dy, Matrix weight, Tensor dx) {
        return new LoraLinearBackward(dy, null, null, weight, null, null, dx, null, null, null, null, null, 0, 0, 0, false);
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
