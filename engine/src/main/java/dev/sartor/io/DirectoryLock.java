package dev.sartor.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps two runs from writing into one directory: the operating system's lock on its file {@code .lock}, which is
 * deleted at the end. The lock goes with the process that holds it, so a file that a killed one left locks nothing.
 */
public final class DirectoryLock implements AutoCloseable {
    /** The file's name. */
    public static final String NAME = ".lock";

    /** Each fails only where a holder deletes the file at that moment. */
    private static final int ATTEMPTS = 100;

    /**
     * Directories locked by this process. Asked first: where POSIX is at work, opening and closing the file a second
     * time would let the first lock go.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final FileChannel channel;

    private DirectoryLock(Path directory, FileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    /**
     * Locks a directory that is there.
     *
     * @throws IllegalArgumentException if somebody holds its lock, in this process or another
     */
    public static DirectoryLock of(Path directory) throws IOException {
        Path real = directory.toRealPath();
        if (!HELD.add(real)) {
            throw held(directory);
        }
        try {
            FileChannel channel = lock(real.resolve(NAME));
            if (channel == null) {
                throw held(directory);
            }
            return new DirectoryLock(real, channel);
        } catch (IOException | RuntimeException e) {
            HELD.remove(real);
            throw e;
        }
    }

    /** @return null if another process has it */
    private static FileChannel lock(Path file) throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Object before = make(file);
            FileChannel channel;
            try {
                channel = FileChannel.open(file, StandardOpenOption.WRITE);
            } catch (NoSuchFileException e) {
                continue;
            }
            try {
                if (!isLocked(channel, file)) {
                    channel.close();
                    return null;
                }
                // Its holder may have deleted it between opening and locking: a lock on what has no name locks nothing.
                if (Files.exists(file) && Objects.equals(before, key(file))) {
                    return channel;
                }
                channel.close();
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }
        throw new IOException(file + ": comes and goes, or is a link to nothing; delete it");
    }

    private static boolean isLocked(FileChannel channel, Path file) {
        try {
            return channel.tryLock() != null;
        } catch (IOException e) {
            // Some network file systems have no locks; a run there is worth more than none.
            System.getLogger(DirectoryLock.class.getName()).log(System.Logger.Level.WARNING,
                    file + ": cannot be locked, so nothing keeps a second run out of this directory: " + e.getMessage());
            return true;
        }
    }

    private static Object make(Path file) throws IOException {
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            // Another's, or left by one that was killed; the lock will tell.
        }
        return key(file);
    }

    /** What tells a file from another of its name; null where it is gone, or the file system has no such thing. */
    private static Object key(Path file) throws IOException {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private static IllegalArgumentException held(Path directory) {
        return new IllegalArgumentException("output directory " + directory
                + ": another run is writing there; wait for its end, or choose another directory");
    }

    /** Deletes the file while nobody else can hold it, and lets go. */
    @Override
    public void close() throws IOException {
        try (channel) {
            Files.deleteIfExists(directory.resolve(NAME));
        } finally {
            HELD.remove(directory);
        }
    }
}
