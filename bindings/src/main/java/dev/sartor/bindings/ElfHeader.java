package dev.sartor.bindings;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * The headers of a Linux shared library (ELF-64 object file format, "File header" and "Program header
 * table"), read so that a wrong file gets a plain explanation instead of the dynamic linker's, and one
 * that was cut short does not end the process: the linker maps it and trips over the missing pages.
 */
final class ElfHeader {
    private static final int FILE_HEADER_BYTES = 64;
    private static final int PROGRAM_HEADER_BYTES = 56;
    private static final int SHARED_OBJECT = 3;

    private ElfHeader() {}

    /** What keeps the file from being loaded on the platform, or null where its headers show nothing. */
    static String objection(Path file, Platform platform) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer header = read(channel, 0, FILE_HEADER_BYTES);
            if (header.limit() < 20 || header.getInt(0) != 0x7f454c46) {
                return "the file is not a shared library (it has no ELF header)";
            }
            if (header.get(4) != 2) {
                return "the file is a 32-bit library, and a 64-bit process cannot load it";
            }
            header.order(header.get(5) == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
            if (header.getShort(16) != SHARED_OBJECT) {
                return "the file is an ELF file but not a shared library";
            }
            String architecture = architecture(Short.toUnsignedInt(header.getShort(18)));
            if (!architecture.equals(platform.architecture())) {
                return "the library was built for " + architecture + ", and this process runs on "
                        + platform.architecture();
            }
            return isWhole(channel, header) ? null : "the library is cut short: the file ends before its contents do";
        }
    }

    /** Whether the file holds the bytes of every segment. */
    private static boolean isWhole(FileChannel channel, ByteBuffer header) throws IOException {
        if (header.limit() < FILE_HEADER_BYTES) {
            return false;
        }
        int count = Short.toUnsignedInt(header.getShort(56));
        int stride = Short.toUnsignedInt(header.getShort(54));
        ByteBuffer table = read(channel, header.getLong(32), count * stride).order(header.order());
        if (stride < PROGRAM_HEADER_BYTES || table.limit() < count * stride) {
            return false;
        }
        for (int at = 0; at < table.limit(); at += stride) {
            long end = table.getLong(at + 8) + table.getLong(at + 32);
            if (end < 0 || end > channel.size()) {
                return false;
            }
        }
        return true;
    }

    /** Up to {@code count} bytes at {@code position}; fewer where the file ends. */
    private static ByteBuffer read(FileChannel channel, long position, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        long at = Math.max(position, 0);
        while (bytes.hasRemaining()) {
            int read = channel.read(bytes, at + bytes.position());
            if (read < 0) {
                break;
            }
        }
        return bytes.flip();
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
