package dev.sartor.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The first bytes of a Linux shared library (ELF specification, chapter "ELF header"), read so that a
 * wrong file gets a plain explanation instead of the dynamic linker's.
 */
final class ElfHeader {
    private static final int SIZE = 20;
    private static final int SHARED_OBJECT = 3;

    private ElfHeader() {}

    /** What keeps the file from being loaded on the platform, or null where its header shows nothing. */
    static String objection(Path file, Platform platform) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(SIZE);
        }
        if (bytes.length < SIZE || bytes[0] != 0x7f || bytes[1] != 'E' || bytes[2] != 'L' || bytes[3] != 'F') {
            return "the file is not a shared library (it has no ELF header)";
        }
        boolean littleEndian = bytes[5] == 1;
        ByteBuffer header = ByteBuffer.wrap(bytes).order(littleEndian ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        if (bytes[4] != 2) {
            return "the file is a 32-bit library, and a 64-bit process cannot load it";
        }
        if (header.getShort(16) != SHARED_OBJECT) {
            return "the file is an ELF file but not a shared library";
        }
        String architecture = architecture(header.getShort(18) & 0xffff);
        if (!architecture.equals(platform.architecture())) {
            return "the library was built for " + architecture + ", and this process runs on " + platform.architecture();
        }
        return null;
    }

    private static String architecture(int machine) {
        return switch (machine) {
            case 62 -> "x86_64";
            case 183 -> "aarch64";
            case 243 -> "riscv64";
            case 21 -> "ppc64le";
            case 22 -> "s390x";
            default -> "ELF machine " + machine;
        };
    }
}
