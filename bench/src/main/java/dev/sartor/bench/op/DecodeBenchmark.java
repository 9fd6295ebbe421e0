package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.WeightKind;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** One row times matrices, one after another, as decoding does: more of them than caches hold. */
public class DecodeBenchmark extends KernelBenchmark {
    /** Bytes of packed weights that a run goes through. */
    private static final long BYTES = 384L << 20;

    /** Features in, features out. */
    @Param({"2048x5632", "5632x2048", "2048x2048"})
    public String shape;

    @Param
    public WeightKind weight;

    @Param("BFLOAT16")
    public DType dtype;

    private Program program;

    @Override
    protected void prepare() {
        long[] sizes = Arrays.stream(shape.split("x")).mapToLong(Long::parseLong).toArray();
        var x = normal(dtype, 1, sizes[0]);
        var y = zeros(dtype, 1, sizes[1]);
        var values = normal(dtype, sizes[1], sizes[0]);
        var rowMajor = weight == WeightKind.DENSE ? null : quantized(values, weight);
        var kernels = new ArrayList<Kernel>();
        long bytes = 0;
        while (bytes < BYTES) {
            var matrix = rowMajor == null ? packed(values) : packed(rowMajor);
            kernels.add(new LoraLinear(x, matrix, null, null, null, y, null, null, 0, 0, 0));
            bytes += matrix.tensors().stream().mapToLong(tensor -> tensor.spec().bytes()).sum();
        }
        program = measured("run", new Work(2.0 * sizes[0] * sizes[1] * kernels.size(), bytes), kernels.toArray(Kernel[]::new));
    }

    @Benchmark
    public void run() {
        submit(program);
    }
}
