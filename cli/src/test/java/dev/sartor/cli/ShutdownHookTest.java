package dev.sartor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sartor.io.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is told to end while it writes leaves nothing half written, and what was there before. */
class ShutdownHookTest {
    @TempDir
    Path directory;

    /** Begins a directory over an earlier one, and a file, and never finishes. */
    static final class Writer {
        public static void main(String[] arguments) throws IOException {
            var target = Path.of(arguments[0]);
            AtomicFiles.writeDirectory(target, folder -> Files.writeString(folder.resolve("kept"), "before"));
            try (var interrupted = new ShutdownHook(AtomicFiles::abandon)) {
                AtomicFiles.writeDirectory(target, folder -> {
                    Files.writeString(folder.resolve("half"), "1");
                    AtomicFiles.write(folder.resolve("weights"), 1, weights ->
                            AtomicFiles.write(target.resolveSibling("file"), 1, file -> {
                                System.out.println("writing");
                                try {
                                    Thread.sleep(60_000);
                                } catch (InterruptedException e) {
                                    throw new IOException(e);
                                }
                            }));
                });
            }
        }
    }

    @Test
    void nothingHalfWrittenStays() throws IOException, InterruptedException {
        var target = directory.resolve("model");
        var process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Writer.class.getName(), target.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (var out = process.inputReader()) {
            assumeTrue(process.supportsNormalTermination(), "this system only kills");
            assertEquals("writing", out.readLine());
            try (var during = Files.list(directory)) {
                assertEquals(3, during.count(), "the earlier model, and two under temporary names");
            }
            process.destroy();
            assertTrue(process.waitFor(30, TimeUnit.SECONDS), "it ends");
        } finally {
            process.destroyForcibly();
        }
        try (var left = Files.list(directory)) {
            assertEquals(List.of(target), left.toList());
        }
        assertEquals("before", Files.readString(target.resolve("kept")));
    }
}
