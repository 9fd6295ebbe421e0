package dev.sartor.bench.roof;

import dev.sartor.bench.Threads;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/** The loops of {@code src/main/native/roofs.cpp}, from the library that {@code sartor.bench.roofs} names. */
final class Roofs {
    private static final String FILE = System.getProperty("sartor.bench.roofs");

    private final SymbolLookup symbols;
    private final int threads = Threads.count() > 0 ? Threads.count() : Runtime.getRuntime().availableProcessors();

    private Roofs(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /** @throws IllegalStateException where the library is not there */
    static Roofs load() {
        if (FILE == null || !Files.isRegularFile(Path.of(FILE))) {
            throw new IllegalStateException("the roofs' loops (sartor.bench.roofs: " + FILE
                    + ") are not there: run bench/run.sh, which builds them");
        }
        return new Roofs(SymbolLookup.libraryLookup(Path.of(FILE), Arena.global()));
    }

    int threads() {
        return threads;
    }

    /** Floating-point operations of one iteration of a thread; type is float32 or bfloat16. */
    double flops(String type) {
        try {
            return (double) function("roof_" + type + "_flops", FunctionDescriptor.of(ValueLayout.JAVA_DOUBLE)).invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** (threads, iterations) */
    MethodHandle arithmetic(String type) {
        return function("roof_" + type, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    }

    /** (threads, to, from, bytes) */
    MethodHandle copy() {
        return function("roof_copy", FunctionDescriptor.ofVoid(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    }

    /** (threads, from, bytes) */
    MethodHandle read() {
        return function("roof_read",
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    }

    private MethodHandle function(String name, FunctionDescriptor descriptor) {
        MemorySegment address = symbols.find(name).orElseThrow(() -> new IllegalStateException(FILE + " has no " + name));
        return Linker.nativeLinker().downcallHandle(address, descriptor);
    }
}
