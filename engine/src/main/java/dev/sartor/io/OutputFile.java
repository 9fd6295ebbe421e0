package dev.sartor.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that is being written: where that fails, it is said of which file, what it needs and what room there is. */
final class OutputFile implements WritableByteChannel {

    private final Path file;
    private final long bytes;
    private final WritableByteChannel channel;
    private long written;

    /**
     * @param file  as messages name it
     * @param bytes that will be written in all
     */
    OutputFile(Path file, long bytes, WritableByteChannel channel) {
        this.file = file;
        this.bytes = bytes;
        this.channel = channel;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        try {
            int moved = channel.write(from);
            written += moved;
            return moved;
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** What to tell of a write to this file that failed. */
    IOException failure(IOException cause) {
        return failure(file, bytes, written, cause);
    }

    /** As {@link #failure(IOException)}: of a full disk, most often. */
    static IOException failure(Path file, long bytes, long written, IOException cause) {
        return new IOException("%s: cannot be written: %s; it needs %,d bytes, %,d are written%s; make room, or name another directory"
                .formatted(AtomicFiles.named(file), cause.getMessage(), bytes, written, free(file)), cause);
    }

    private static String free(Path file) {
        try {
            return " and %,d more are free".formatted(Files.getFileStore(file.toAbsolutePath().getParent()).getUsableSpace());
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public boolean isOpen() {
        return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
