package dev.sartor.bench;

import dev.sartor.device.Program;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.tensor.DType;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;

/** Kernels on the CPU device, run as training runs them: a compiled program, submitted. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"})
public abstract class KernelBenchmark extends Operands {
    private BenchmarkParams params;
    private String method;
    private Work work;
    private List<String> kernels;
    private Roofs roofs;
    private Beside beside;

    /** Makes operands and programs. */
    protected abstract void prepare();

    @Setup(Level.Trial)
    public void open(BenchmarkParams params) {
        this.params = params;
        method = params.getBenchmark().substring(params.getBenchmark().lastIndexOf('.') + 1);
        prepare();
        if (work != null) {
            roofs = new Roofs(DType.valueOf(params.getParamsKeys().contains("dtype") ? params.getParam("dtype") : "FLOAT32"));
        }
    }

    /** The roofs and the other side change with what else the machine does: they are taken in turn with the kernel. */
    @Setup(Level.Iteration)
    public void measureBeside(IterationParams iteration) {
        if (roofs != null) {
            roofs.measure();
        }
        if (beside != null) {
            beside.iterate(iteration.getTime().convertTo(TimeUnit.NANOSECONDS));
        }
    }

    /** What the work was, and the roofs beside it, are told to the report. */
    @Override
    @TearDown(Level.Trial)
    public void close() {
        if (roofs != null) {
            WorkLog.write(params, work, kernels, roofs.medians(), beside);
            roofs.close();
        }
        super.close();
    }

    /**
     * The program that the benchmark of this name submits; if it is the one being run, this is its
     * work, and the roofs are measured beside it.
     */
    protected Program measured(String benchmark, Work work, Kernel... kernels) {
        if (benchmark.equals(method)) {
            this.work = work;
            this.kernels = Stream.of(kernels).map(Kernel::name).distinct().toList();
        }
        return program(kernels);
    }

    /**
     * What the benchmark of this name is held against, by turns.
     *
     * @param flops floating-point operations of a run of that side
     */
    protected void beside(String benchmark, double flops, Runnable side) {
        if (benchmark.equals(method)) {
            beside = new Beside(flops, side);
        }
    }
}
