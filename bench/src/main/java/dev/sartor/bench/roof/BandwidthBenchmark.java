package dev.sartor.bench.roof;

import dev.sartor.bench.Work;
import dev.sartor.bench.WorkLog;
import dev.sartor.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;

/** Bandwidth of memory on huge pages: copying, counted read and written, and reading alone. */
public class BandwidthBenchmark extends RoofBenchmark {
    /** Of what is copied or read. */
    @Param({"128", "512", "1024"})
    public int mebibytes;

    private long bytes;
    private MemorySegment from;
    private MemorySegment to;
    private MethodHandle copy;
    private MethodHandle read;

    @Setup
    public void open(BenchmarkParams params) {
        bytes = ((long) mebibytes << 20) / (64L * roofs.threads()) * 64L * roofs.threads();
        from = allocate();
        to = allocate();
        copy = roofs.copy();
        read = roofs.read();
        boolean copies = params.getBenchmark().endsWith(".copy");
        WorkLog.write(params, new Work(0, copies ? 2.0 * bytes : bytes), List.of());
    }

    /** Written to, so that every page is there. */
    private MemorySegment allocate() {
        return NativeMemory.allocate(bytes).fill((byte) 1);
    }

    @Benchmark
    public void copy() throws Throwable {
        copy.invokeExact(roofs.threads(), to, from, bytes);
    }

    @Benchmark
    public void read() throws Throwable {
        read.invokeExact(roofs.threads(), from, bytes);
    }

    @TearDown
    public void close() {
        NativeMemory.free(from);
        NativeMemory.free(to);
    }
}
