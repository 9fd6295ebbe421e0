package dev.sartor.device;

import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file mapped into memory, handed out piece by piece. Its whole size is written when it is made: a
 * page that the disk has no room for would otherwise show only when it is touched, as a signal that
 * ends the process. (File systems that copy on write, or compress, can still run full later.)
 */
final class MappedFile implements FileMemory {
    private static final int CHUNK = 1 << 20;

    private final Device device;
    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private long used;

    /** @throws IOException if there is no such directory, or no file can be made or no room is in it, with the remedy */
    MappedFile(Device device, Path directory, long bytes) throws IOException {
        this.device = device;
        if (!Files.isDirectory(directory)) {
            arena.close();
            throw noFile(directory, bytes, Files.exists(directory) ? "it is no directory; name one" : "no such directory; make it, or name another", null);
        }
        Path made = null;
        try {
            long free = Files.getFileStore(directory).getUsableSpace();
            if (free < bytes) {
                throw new IOException("%,d bytes are free".formatted(free));
            }
            made = Files.createTempFile(directory, ".sartor-", ".state");
            memory = map(made, bytes);
        } catch (IOException e) {
            arena.close();
            if (made != null) {
                Files.deleteIfExists(made);
            }
            throw noFile(directory, bytes, e instanceof AccessDeniedException
                    ? "permission denied; allow writing there, or name another directory"
                    : e.getMessage() + "; make room, or name another directory", e);
        }
        file = made;
        unlink();
    }

    private MemorySegment map(Path made, long bytes) throws IOException {
        try (var channel = FileChannel.open(made, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            reserve(channel, bytes);
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
        }
    }

    private static IOException noFile(Path directory, long bytes, String why, IOException cause) {
        return new IOException("%s: no file of %,d bytes for optimizer state: %s".formatted(directory, bytes, why), cause);
    }

    /** Writes all of it, so that the disk has said yes. */
    static void reserve(FileChannel channel, long bytes) throws IOException {
        var zeros = ByteBuffer.allocateDirect(CHUNK);
        for (long at = 0; at < bytes; ) {
            zeros.clear().limit((int) Math.min(CHUNK, bytes - at));
            at += channel.write(zeros, at);
        }
        // Where writing is delayed, it is only asked now.
        channel.force(false);
    }

    /** A mapping outlives its file's name: without one, nothing is left over even if the process is killed. */
    private void unlink() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException stillThere) {
            // Windows keeps the names of mapped files.
            file.toFile().deleteOnExit();
        }
    }

    @Override
    public synchronized Buffer allocate(long bytes) {
        long size = Memory.align(bytes);
        if (used + size > memory.byteSize()) {
            throw new DeviceException("the mapped file of " + memory.byteSize() + " bytes has no room for " + bytes + " more");
        }
        var piece = memory.asSlice(used, bytes);
        used += size;
        return device.wrapWritable(piece);
    }

    /** Does nothing: the pieces go together, when this closes. */
    @Override
    public void free(Buffer buffer) {
        device.free(buffer);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
            unlink();
        }
    }
}
