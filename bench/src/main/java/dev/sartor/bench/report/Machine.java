package dev.sartor.bench.report;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.bench.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the figures come from.
 *
 * @param device the engine's instruction set and threads
 * @param memory bytes; 0 where the system does not tell
 */
record Machine(String processor, int cores, String device, long memory, String system, String java) {
    static Machine here() throws IOException {
        try (var device = CpuDevice.open(Threads.count())) {
            return new Machine(
                    field("/proc/cpuinfo", "model name"),
                    Runtime.getRuntime().availableProcessors(),
                    device.description(),
                    kibibytes(field("/proc/meminfo", "MemTotal")) << 10,
                    System.getProperty("os.name") + " " + System.getProperty("os.version") + ", " + System.getProperty("os.arch"),
                    System.getProperty("java.vendor.version", System.getProperty("java.vendor")) + ", "
                            + System.getProperty("java.vm.version"));
        }
    }

    /** The first such line's value, or "unknown" on systems without the file. */
    private static String field(String file, String name) throws IOException {
        var path = Path.of(file);
        if (!Files.isReadable(path)) {
            return "unknown";
        }
        return Files.readAllLines(path).stream().filter(line -> line.startsWith(name)).findFirst()
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse("unknown");
    }

    private static long kibibytes(String field) {
        return field.endsWith(" kB") ? Long.parseLong(field.substring(0, field.length() - 3)) : 0;
    }
}
