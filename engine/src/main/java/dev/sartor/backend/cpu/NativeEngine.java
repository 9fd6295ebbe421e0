package dev.sartor.backend.cpu;

import dev.sartor.bindings.CpuLibrary;
import dev.sartor.bindings.NativeLibraryException;
import dev.sartor.bindings.cpu.sartor_failure;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.device.DeviceException;
import dev.sartor.device.kernel.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The library's engine: its threads and its choice of instruction set.
 *
 * @param missing kernels that the library was built without
 */
record NativeEngine(CpuLibrary library, MemorySegment handle, Set<Class<? extends Kernel>> missing) {
    private static final String REBUILD = "rebuild the library from the sources of these classes (./sartor does)";

    /**
     * @param threads 0: one per available core
     * @param isa null: what {@code SARTOR_ISA} names, or else the best
     * @throws DeviceException saying what is wrong with the library, the number of threads or the
     *     instruction set, and what to do
     */
    static NativeEngine open(int threads, String isa) {
        var library = load();
        var missing = checkArguments(library);
        try (var arena = Arena.ofConfined()) {
            var failure = sartor_failure.allocate(arena);
            var engine = arena.allocate(ValueLayout.ADDRESS);
            var name = isa == null ? MemorySegment.NULL : arena.allocateFrom(isa);
            int status = sartor_h.sartor_open(threads, name, engine, failure);
            if (status != sartor_h.SARTOR_OK()) {
                throw new DeviceException("the CPU device does not open: " + message(failure) + " (" + status(status) + ")");
            }
            return new NativeEngine(library, engine.get(ValueLayout.ADDRESS, 0), missing);
        }
    }

    private static CpuLibrary load() {
        try {
            return CpuLibrary.load();
        } catch (NativeLibraryException unusable) {
            throw new DeviceException(unusable.getMessage(), unusable);
        }
    }

    /** Argument structs must have one size on both sides; kernels trust what they are given. */
    private static Set<Class<? extends Kernel>> checkArguments(CpuLibrary library) {
        Operation.all().forEach((kernel, operation) -> {
            int bytes = sartor_h.sartor_arguments_bytes(operation.code());
            if (bytes != -1 && bytes != operation.layout().byteSize()) {
                throw new DeviceException("%s: the arguments of %s have %d bytes, the bindings' have %d: %s".formatted(
                        library.file(), kernel.getSimpleName(), bytes, operation.layout().byteSize(), REBUILD));
            }
        });
        return Operation.all().entrySet().stream()
                .filter(entry -> sartor_h.sartor_arguments_bytes(entry.getValue().code()) == -1)
                .map(entry -> entry.getKey())
                .collect(Collectors.toUnmodifiableSet());
    }

    String isa() {
        return sartor_h.sartor_isa(handle).getString(0);
    }

    int threads() {
        return sartor_h.sartor_threads(handle);
    }

    /** @throws DeviceException if the library was built without the kernel */
    void requireKernel(Kernel kernel, String where) {
        if (missing.contains(kernel.getClass())) {
            throw new DeviceException("%s at %s: %s has no such kernel: %s".formatted(
                    kernel.name(), where, library.file(), REBUILD));
        }
    }

    static String message(MemorySegment failure) {
        return sartor_failure.message(failure).getString(0);
    }

    static String status(int status) {
        if (status == sartor_h.SARTOR_BAD_OP()) {
            return "SARTOR_BAD_OP: " + REBUILD;
        } else if (status == sartor_h.SARTOR_BAD_ARGUMENT()) {
            return "SARTOR_BAD_ARGUMENT";
        } else if (status == sartor_h.SARTOR_BAD_INDEX()) {
            return "SARTOR_BAD_INDEX";
        } else if (status == sartor_h.SARTOR_SCRATCH_TOO_SMALL()) {
            return "SARTOR_SCRATCH_TOO_SMALL";
        } else if (status == sartor_h.SARTOR_NO_MEMORY()) {
            return "SARTOR_NO_MEMORY";
        } else if (status == sartor_h.SARTOR_BAD_ISA()) {
            return "SARTOR_BAD_ISA";
        }
        return "status " + status;
    }

    void close() {
        sartor_h.sartor_close(handle);
    }
}
