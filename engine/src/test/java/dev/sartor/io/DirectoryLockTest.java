package dev.sartor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
    @TempDir
    Path dir;

    private void isHeld() {
        String message = assertThrows(IllegalArgumentException.class, () -> DirectoryLock.of(dir)).getMessage();
        assertTrue(message.contains(dir + ": another run is writing there; wait for its end, or choose another"), message);
    }

    @Test
    void oneAtATime() throws IOException {
        Path file = dir.resolve(DirectoryLock.NAME);
        try (var lock = DirectoryLock.of(dir)) {
            isHeld();
            isHeld();
            OutputDirectory.of(dir, false).require();
        }
        assertFalse(Files.exists(file));
        DirectoryLock.of(dir).close();
        // What a killed process leaves.
        Files.createFile(file);
        DirectoryLock.of(dir).close();
        assertFalse(Files.exists(file));
    }

    /** Takes the lock as a process of its own, says so, and keeps it until its input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] arguments) throws IOException {
            try (var channel = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                System.out.println(channel.tryLock() == null ? "refused" : "locked");
                System.in.read();
            }
        }
    }

    private Process holder() throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Holder.class.getName(), dir.resolve(DirectoryLock.NAME).toString()).start();
    }

    @Test
    void oneProcessAtATime() throws Exception {
        var process = holder();
        try (var lines = process.inputReader()) {
            assertEquals("locked", lines.readLine());
            isHeld();
        } finally {
            process.destroyForcibly().waitFor();
        }
        try (var lock = DirectoryLock.of(dir)) {
            isHeld();
            var other = holder();
            try (var lines = other.inputReader()) {
                assertEquals("refused", lines.readLine());
            } finally {
                other.destroyForcibly().waitFor();
            }
        }
    }
}
