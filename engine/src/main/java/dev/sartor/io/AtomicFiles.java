package dev.sartor.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Files and directories that appear whole or not at all: written beside their place under a temporary name, forced to
 * disk, and renamed in. A process that is killed leaves at worst a {@code .NAME.HEX.tmp} beside the good file, never half a file under a
 * good name.
 */
public final class AtomicFiles {
    /** Temporary names in use. The lock is held where one comes or goes. */
    private static final Set<Path> UNFINISHED = ConcurrentHashMap.newKeySet();
    private static final Pattern TEMPORARY = Pattern.compile("\\..+\\.[0-9a-f]{8}\\.tmp");
    private static final ReentrantLock UNFINISHED_LOCK = new ReentrantLock();

    /** Writes a file's contents. */
    @FunctionalInterface
    public interface ChannelWriter {
        void write(WritableByteChannel channel) throws IOException;
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
        write(target, content.length, channel -> {
            ByteBuffer buffer = ByteBuffer.wrap(content);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        });
    }

    /**
     * As {@link #write(Path, byte[])}, with the content streamed. If the writer fails, the target is as it was.
     *
     * @param bytes of the content, for messages
     */
    public static void write(Path target, long bytes, ChannelWriter writer) throws IOException {
        Path temporary = stage(target, bytes, writer);
        try {
            publish(temporary, target);
        } catch (IOException | RuntimeException e) {
            discard(temporary);
            throw e;
        }
    }

    /** Copies a file to {@code target}, replacing what is there. */
    public static void copy(Path source, Path target) throws IOException {
        try (FileChannel in = FileChannel.open(source, StandardOpenOption.READ)) {
            long size = in.size();
            write(target, size, out -> {
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
            begin(temporary, () -> Files.createDirectory(temporary));
            writer.write(temporary);
            forceTree(temporary);
            Path old = replace(temporary, absolute);
            forceDirectory(absolute.getParent());
            if (old != null) {
                deleteTree(old);
            }
        } catch (IOException | RuntimeException e) {
            discard(temporary);
            throw e;
        }
    }

    /** @return where the earlier directory is now, or null if there was none */
    private static Path replace(Path temporary, Path target) throws IOException {
        UNFINISHED_LOCK.lock();
        try {
            Path old = null;
            if (Files.exists(target)) {
                old = temporaryName(target);
                move(target, old);
            }
            try {
                move(temporary, target);
            } catch (IOException e) {
                if (old != null) {
                    move(old, target);
                }
                throw e;
            }
            UNFINISHED.remove(temporary);
            return old;
        } finally {
            UNFINISHED_LOCK.unlock();
        }
    }

    /**
     * Deletes all that is half written, because the process ends now. Whoever would begin or publish another file waits
     * for that end.
     */
    public static void abandon() {
        // Never unlocked.
        UNFINISHED_LOCK.lock();
        for (Path temporary : UNFINISHED) {
            try {
                deleteTree(temporary);
            } catch (IOException e) {
                System.getLogger(AtomicFiles.class.getName()).log(System.Logger.Level.WARNING, "not deleted: " + temporary, e);
            }
        }
    }

    /**
     * Deletes what processes that were killed left half written in a directory.
     *
     * @param directory one that no other process writes to, since this one has its {@link DirectoryLock}
     * @return the names of what was deleted
     */
    public static List<String> sweep(Path directory) throws IOException {
        List<Path> left;
        try (Stream<Path> files = Files.list(directory)) {
            left = files.filter(file -> isTemporary(file.getFileName().toString()))
                    .filter(file -> !UNFINISHED.contains(file.toAbsolutePath())).sorted().toList();
        }
        for (Path each : left) {
            deleteTree(each);
        }
        return left.stream().map(each -> each.getFileName().toString()).toList();
    }

    /** Whether a name is one of those under which files are written before they are renamed. */
    static boolean isTemporary(String name) {
        return TEMPORARY.matcher(name).matches();
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

    /**
     * Writes and forces a temporary file beside {@code target}, to be renamed by {@link #publish} or deleted by
     * {@link #discard}.
     */
    static Path stage(Path target, long bytes, ChannelWriter writer) throws IOException {
        Path absolute = target.toAbsolutePath();
        Files.createDirectories(absolute.getParent());
        Path temporary = temporaryName(absolute);
        try (FileChannel channel = begin(temporary,
                () -> FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
            OutputFile output = new OutputFile(target, bytes, channel);
            writer.write(output);
            try {
                channel.force(true);
            } catch (IOException e) {
                throw output.failure(e);
            }
        } catch (IOException | RuntimeException e) {
            discard(temporary);
            throw e;
        }
        return temporary;
    }

    /** Renames a staged file into its place, and makes the rename durable. */
    static void publish(Path temporary, Path target) throws IOException {
        Path absolute = target.toAbsolutePath();
        UNFINISHED_LOCK.lock();
        try {
            move(temporary, absolute);
            UNFINISHED.remove(temporary);
        } finally {
            UNFINISHED_LOCK.unlock();
        }
        forceDirectory(absolute.getParent());
    }

    /** Deletes what was staged, if it is still there. */
    static void discard(Path temporary) throws IOException {
        deleteTree(temporary);
        UNFINISHED.remove(temporary);
    }

    private interface Beginning<T> {
        T make() throws IOException;
    }

    private static <T> T begin(Path temporary, Beginning<T> beginning) throws IOException {
        UNFINISHED_LOCK.lock();
        try {
            UNFINISHED.add(temporary);
            return beginning.make();
        } finally {
            UNFINISHED_LOCK.unlock();
        }
    }

    private static Path temporaryName(Path target) {
        String unique = UUID.randomUUID().toString().substring(0, 8);
        return target.resolveSibling("." + target.getFileName() + "." + unique + ".tmp");
    }

    /** The file as it will be called: inside a directory that is not yet in its place, too. */
    static String named(Path file) {
        return file.toString().replaceAll("\\.([^/\\\\]+)\\.[0-9a-f]{8}\\.tmp", "$1");
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
                } catch (IOException e) {
                    throw OutputFile.failure(each, Files.size(each), Files.size(each), e);
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
