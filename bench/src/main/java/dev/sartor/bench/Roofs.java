package dev.sartor.bench;

import dev.sartor.bindings.NativeMemory;
import dev.sartor.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What this machine can do at best, on as many threads as the kernels have: the loops of {@code
 * src/main/native/roofs.cpp}, from the library that {@code sartor.bench.roofs} names. Some
 * sixty milliseconds a measurement, so that one can be taken before each iteration of a kernel's
 * benchmark: on a virtual machine the bandwidth of memory moves by a factor of two within minutes.
 */
public final class Roofs implements AutoCloseable {
    private static final String FILE = System.getProperty("sartor.bench.roofs");
    /** Of what is copied and read; far more than caches hold. A multiple of 64 for any number of threads that matters. */
    private static final long BYTES = 192L << 20;
    private static final long ITERATIONS = 2_000_000;
    /** Of a measurement. The first wakes cores up, and any may meet something else that runs: the best is the roof. */
    private static final int TRIES = 4;

    private final int threads = Threads.count() > 0 ? Threads.count() : Runtime.getRuntime().availableProcessors();
    private final long bytes = BYTES / (64L * threads) * 64L * threads;
    private final SymbolLookup symbols;
    private final MethodHandle arithmetic;
    private final MethodHandle copy;
    private final MethodHandle read;
    private final double flops;
    private final MemorySegment from;
    private final MemorySegment to;
    private final List<Double> arithmeticRates = new ArrayList<>();
    private final List<Double> copyRates = new ArrayList<>();
    private final List<Double> readRates = new ArrayList<>();

    private interface Loop {
        void run() throws Throwable;
    }

    /**
     * @param dtype whose widest multiply-add is the roof of arithmetic: float32 or bfloat16
     * @throws IllegalStateException where the library is not there
     */
    public Roofs(DType dtype) {
        if (FILE == null || !Files.isRegularFile(Path.of(FILE))) {
            throw new IllegalStateException("the roofs' loops (sartor.bench.roofs: " + FILE
                    + ") are not there: run bench/run.sh, which builds them");
        }
        symbols = SymbolLookup.libraryLookup(Path.of(FILE), Arena.global());
        var type = dtype.name().toLowerCase(Locale.ROOT);
        arithmetic = function("roof_" + type, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
        copy = function("roof_copy", FunctionDescriptor.ofVoid(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        read = function("roof_read",
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        try {
            flops = (double) function("roof_" + type + "_flops", FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE)).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
        from = allocate();
        to = allocate();
    }

    /** On huge pages, and written to, so that every page is there. */
    private MemorySegment allocate() {
        return NativeMemory.allocate(bytes).fill((byte) 1);
    }

    /** Takes each roof. */
    public void measure() {
        arithmeticRates.add(flops * ITERATIONS * threads / leastSeconds(() -> { arithmetic.invokeExact(threads, ITERATIONS); }));
        copyRates.add(2.0 * bytes / leastSeconds(() -> { copy.invokeExact(threads, to, from, bytes); }));
        readRates.add(bytes / leastSeconds(() -> { read.invokeExact(threads, from, bytes); }));
    }

    private static double leastSeconds(Loop loop) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < TRIES; i++) {
            long start = System.nanoTime();
            try {
                loop.run();
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
            least = Math.min(least, System.nanoTime() - start);
        }
        return least * 1e-9;
    }

    /** The medians of what was measured. */
    public Roof medians() {
        return new Roof(Roof.median(arithmeticRates), Roof.median(copyRates), Roof.median(readRates));
    }

    @Override
    public void close() {
        NativeMemory.free(from);
        NativeMemory.free(to);
    }

    private MethodHandle function(String name, FunctionDescriptor descriptor) {
        MemorySegment address = symbols.find(name).orElseThrow(() -> new IllegalStateException(FILE + " has no " + name));
        return Linker.nativeLinker().downcallHandle(address, descriptor);
    }
}
