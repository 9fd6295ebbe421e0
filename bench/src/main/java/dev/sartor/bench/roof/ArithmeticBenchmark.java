package dev.sartor.bench.roof;

import dev.sartor.bench.Work;
import dev.sartor.bench.WorkLog;
import dev.sartor.tensor.DType;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.infra.BenchmarkParams;

/** Peak arithmetic: multiply-adds that never leave the registers, with the widest instruction for the type. */
public class ArithmeticBenchmark extends RoofBenchmark {
    private static final long ITERATIONS = 2_000_000;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private MethodHandle loop;

    @Setup
    public void open(BenchmarkParams params) {
        var type = dtype.name().toLowerCase(Locale.ROOT);
        loop = roofs.arithmetic(type);
        WorkLog.write(params, new Work(roofs.flops(type) * ITERATIONS * roofs.threads(), 0), List.of());
    }

    @Benchmark
    public void peak() throws Throwable {
        loop.invokeExact(roofs.threads(), ITERATIONS);
    }
}
