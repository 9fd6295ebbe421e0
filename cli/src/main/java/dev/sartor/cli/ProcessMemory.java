package dev.sartor.cli;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the operating system says of this process's memory. */
final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ProcessMemory() {}

    /** Bytes resident now; 0 where the system does not tell. */
    static long resident() {
        return field("VmRSS:");
    }

    /** The most bytes that were ever resident; 0 where the system does not tell. */
    static long peak() {
        return field("VmHWM:");
    }

    /** Bytes that this machine, or the container it is in, has in all. */
    static long limit() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }

    private static long field(String name) {
        try {
            for (var line : Files.readAllLines(STATUS)) {
                if (line.startsWith(name)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException e) {
            return 0;
        }
        return 0;
    }
}
