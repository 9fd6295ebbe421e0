package dev.sartor.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Files and directories that appear whole or not at all: written beside their place under a temporary name, forced to
 * disk, and renamed in. A crash leaves at worst a {@code .NAME.HEX.tmp} beside the good file, never half a file under a
 * good name.
 */
public final class AtomicFiles {

    /** Writes a file's contents into a channel positioned at its start. */
    @FunctionalInterface
    public interface ChannelWriter {
        void write(FileChannel channel) throws IOException;
    }

    /** Fills an empty directory. */
    @FunctionalInterface
    public interface DirectoryWriter {
        void write(Path directory) throws IOException;
    }

    private AtomicFiles() {
    }

    /** Writes {@code target}, replacing what is there; its parent directories are created. */
    public static void write(Path target, byte[] content) throws IOException {
        write(target, channel -> {
            ByteBuffer buffer = ByteBuffer.wrap(content);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        });
    }

    /** As {@link #write(Path, byte[])}, with the content streamed. If the writer fails, the target is as it was. */
    public static void write(Path target, ChannelWriter writer) throws IOException {
        Path temporary = stage(target, writer);
        try {
            publish(temporary, target);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
    }

    /** Copies a file to {@code target}, replacing what is there. */
    public static void copy(Path source, Path target) throws IOException {
        try (FileChannel in = FileChannel.open(source, StandardOpenOption.READ)) {
            write(target, out -> {
                long size = in.size();
                for (long at = 0; at < size; ) {
                    long moved = in.transferTo(at, size - at, out);
                    if (moved <= 0) {
                        throw new IOException(source + ": ended at byte " + at + " while being copied, expected " + size);
                    }
                    at += moved;
                }
            });
        }
    }

    /**
     * Makes {@code target} a directory with exactly what the writer puts into it. An earlier directory of that name is
     * moved aside first and deleted once the new one is in place.
     */
    public static void writeDirectory(Path target, DirectoryWriter writer) throws IOException {
        Path absolute = target.toAbsolutePath();
        Files.createDirectories(absolute.getParent());
        Path temporary = temporaryName(absolute);
        try {
            Files.createDirectory(temporary);
            writer.write(temporary);
            forceTree(temporary);
            Path old = null;
            if (Files.exists(absolute)) {
                old = temporaryName(absolute);
                move(absolute, old);
            }
            try {
                move(temporary, absolute);
            } catch (IOException e) {
                if (old != null) {
                    move(old, absolute);
                }
                throw e;
            }
            forceDirectory(absolute.getParent());
            if (old != null) {
                deleteTree(old);
            }
        } catch (IOException | RuntimeException e) {
            deleteTree(temporary);
            throw e;
        }
    }

    /** Deletes a file or a directory with all that is in it; absent is fine. */
    public static void deleteTree(Path path) throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> walk = Files.walk(path)) {
            deepestFirst = walk.sorted(Comparator.reverseOrder()).toList();
        } catch (NoSuchFileException e) {
            return;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path each : deepestFirst) {
            Files.deleteIfExists(each);
        }
    }

    /** Writes and forces a temporary file beside {@code target}, to be renamed by {@link #publish}. */
    static Path stage(Path target, ChannelWriter writer) throws IOException {
        Path absolute = target.toAbsolutePath();
        Files.createDirectories(absolute.getParent());
        Path temporary = temporaryName(absolute);
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writer.write(channel);
            channel.force(true);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        return temporary;
    }

    /** Renames a staged file into its place, and makes the rename durable. */
    static void publish(Path temporary, Path target) throws IOException {
        Path absolute = target.toAbsolutePath();
        move(temporary, absolute);
        forceDirectory(absolute.getParent());
    }

    private static Path temporaryName(Path target) {
        String unique = UUID.randomUUID().toString().substring(0, 8);
        return target.resolveSibling("." + target.getFileName() + "." + unique + ".tmp");
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException(to + ": this file system cannot rename atomically; choose an output directory on another one", e);
        }
    }

    private static void forceTree(Path root) throws IOException {
        List<Path> all;
        try (Stream<Path> walk = Files.walk(root)) {
            all = walk.toList();
        }
        for (Path each : all) {
            if (Files.isDirectory(each)) {
                forceDirectory(each);
            } else {
                try (FileChannel channel = FileChannel.open(each, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
            }
        }
    }

    private static void forceDirectory(Path directory) {
        // Opening a directory for reading and forcing it is how POSIX makes a rename durable; Windows refuses the
        // opening, and there the rename is durable without it.
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (IOException e) {
            System.getLogger(AtomicFiles.class.getName())
                    .log(System.Logger.Level.DEBUG, "directory not forced to disk: " + directory, e);
        }
    }
}
