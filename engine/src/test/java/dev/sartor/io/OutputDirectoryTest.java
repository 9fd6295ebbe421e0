package dev.sartor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class OutputDirectoryTest {
    @TempDir
    Path dir;

    private static void refuses(Executable action, String... parts) {
        String message = assertThrows(IllegalArgumentException.class, action).getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    private static void fill(Path folder) throws IOException {
        AtomicFiles.write(folder.resolve("config.json"), new byte[] {'2'});
    }

    @Test
    void takesNewAndEmptyOnes() throws IOException {
        Path target = dir.resolve("runs").resolve("new");
        OutputDirectory.of(target, false).write(OutputDirectoryTest::fill);
        assertEquals("2", Files.readString(target.resolve("config.json")));
        Path empty = Files.createDirectory(dir.resolve("empty"));
        OutputDirectory.of(empty, false).write(OutputDirectoryTest::fill);
        assertEquals("2", Files.readString(empty.resolve("config.json")));
    }

    @Test
    void replacesOnlyWhatIsWrittenAndOnlyIfAsked() throws IOException {
        Path target = Files.createDirectory(dir.resolve("run"));
        Files.writeString(target.resolve("config.json"), "1");
        Files.writeString(target.resolve("notes.txt"), "mine");
        Files.writeString(Files.createDirectory(target.resolve("checkpoint-5")).resolve("state"), "5");
        Files.writeString(target.resolve("z"), "z");
        refuses(() -> OutputDirectory.of(target, false).write(OutputDirectoryTest::fill), target.toString(),
                "it holds checkpoint-5, config.json, notes.txt and 1 more", "choose another directory", "overwrite_output_dir=true");
        refuses(() -> OutputDirectory.of(target, false).require("go on, "), "; go on, choose another");
        assertEquals("1", Files.readString(target.resolve("config.json")));
        OutputDirectory.of(target, true).write(OutputDirectoryTest::fill);
        assertEquals("2", Files.readString(target.resolve("config.json")));
        assertEquals("mine", Files.readString(target.resolve("notes.txt")));
        assertEquals("5", Files.readString(target.resolve("checkpoint-5").resolve("state")));
    }

    @Test
    void sparesWhatIsReadEvenWhenOverwriting() throws IOException {
        Path runs = Files.createDirectory(dir.resolve("runs"));
        Path base = Files.createDirectory(runs.resolve("base"));
        Path weights = Files.writeString(base.resolve("model.safetensors"), "1");
        Path link = Files.createSymbolicLink(dir.resolve("link"), base);
        for (Path input : new Path[] {base, weights, link}) {
            for (Path target : new Path[] {base, link, runs, base.resolve("..").resolve("base")}) {
                refuses(() -> OutputDirectory.of(target, true).sparing("the base model's", input).write(OutputDirectoryTest::fill),
                        "is the base model's own directory, or one around it");
            }
        }
        OutputDirectory.of(base.resolve("merged"), false).sparing("the base model's", base).write(OutputDirectoryTest::fill);
        OutputDirectory.of(runs.resolve("other"), false).sparing("no one's", dir.resolve("absent")).sparing("no one's", null)
                .write(OutputDirectoryTest::fill);
        assertEquals("1", Files.readString(weights));
    }

    @Test
    void writesThroughLinks() throws IOException {
        Path disk = Files.createDirectory(dir.resolve("disk"));
        Path link = Files.createSymbolicLink(dir.resolve("link"), disk);
        OutputDirectory.of(link, false).write(OutputDirectoryTest::fill);
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("2", Files.readString(disk.resolve("config.json")));
        OutputDirectory.of(link, true).write(OutputDirectoryTest::fill);
        assertTrue(Files.isSymbolicLink(link));
        Path dangling = Files.createSymbolicLink(dir.resolve("dangling"), dir.resolve("absent"));
        refuses(() -> OutputDirectory.of(dangling, true).write(OutputDirectoryTest::fill), "is a link to", "absent");
    }

    @Test
    void takesNoFile() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "1");
        refuses(() -> OutputDirectory.of(file, true).write(OutputDirectoryTest::fill), file.toString(),
                "is there already, and no directory; choose another");
        assertEquals("1", Files.readString(file));
    }

    @Test
    void replacesNothingThatCameMeanwhile() throws IOException {
        Path target = dir.resolve("run");
        refuses(() -> OutputDirectory.of(target, false).write(folder -> {
            fill(folder);
            Files.writeString(Files.createDirectory(target).resolve("config.json"), "other");
        }), "is not empty");
        assertEquals("other", Files.readString(target.resolve("config.json")));
        try (var files = Files.list(dir)) {
            assertFalse(files.anyMatch(file -> file.toString().endsWith(".tmp")));
        }
    }
}
