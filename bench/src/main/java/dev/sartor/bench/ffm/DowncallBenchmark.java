package dev.sartor.bench.ffm;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.DType;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OutputTimeUnit;

/** What crossing from Java into native code costs. */
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DowncallBenchmark extends KernelBenchmark {
    /** Of {@link #submitMany}: the report takes the price of one from the difference to {@link #submitSmallest}. */
    public static final int INSTRUCTIONS = 101;

    private Program empty;
    private Program smallest;
    private Program many;

    @Override
    protected void prepare() {
        empty = program();
        var zero = new Zero(zeros(DType.FLOAT32, 1));
        smallest = program(zero);
        many = program(Collections.nCopies(INSTRUCTIONS, zero).toArray(Kernel[]::new));
    }

    /** The bare call of a C function that does nothing. */
    @Benchmark
    public int call() {
        return sartor_h.sartor_abi_version();
    }

    /** A submit with nothing to do: the device's lock and checks, and the call. */
    @Benchmark
    public void submitNothing() {
        submit(empty);
    }

    /** A submit of one kernel that sets four bytes to zero. */
    @Benchmark
    public void submitSmallest() {
        submit(smallest);
    }

    /** A submit of {@value #INSTRUCTIONS} such kernels. */
    @Benchmark
    public void submitMany() {
        submit(many);
    }
}
