package dev.sartor.backend.cpu;

import dev.sartor.bindings.CpuLibrary;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.Kernel;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The kernels that the loaded library has, compared with those that the bindings know.
 *
 * @param missing kernels that the library was built without
 */
record Operations(Path library, Set<Class<? extends Kernel>> missing) {
    private static final String REMEDY = "rebuild the library from the sources of these classes (./sartor does)";

    /**
     * @throws DeviceException if an argument struct has another size in the library: kernels trust what
     *     they are given
     */
    static Operations of(CpuLibrary library) {
        Operation.all().forEach((kernel, operation) -> {
            int bytes = sartor_h.sartor_arguments_bytes(operation.code());
            if (bytes != -1 && bytes != operation.layout().byteSize()) {
                throw new DeviceException("%s: the arguments of %s have %d bytes, the bindings' have %d: %s".formatted(
                        library.file(), kernel.getSimpleName(), bytes, operation.layout().byteSize(), REMEDY));
            }
        });
        return new Operations(library.file(), Operation.all().entrySet().stream()
                .filter(entry -> sartor_h.sartor_arguments_bytes(entry.getValue().code()) == -1)
                .map(Map.Entry::getKey)
                .collect(Collectors.toUnmodifiableSet()));
    }

    /** @throws DeviceException if the library was built without the kernel */
    void require(Instruction instruction) {
        if (missing.contains(instruction.kernel().getClass())) {
            throw new DeviceException("%s: %s has no such kernel: %s".formatted(
                    Arguments.describe(instruction), library, REMEDY));
        }
    }
}
