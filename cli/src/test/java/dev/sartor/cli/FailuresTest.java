package dev.sartor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailuresTest {
    @Test
    void saysWhatHappenedAndNotInWhichClass() {
        assertEquals("disk: no room", Failures.describe(new UncheckedIOException(new IOException("disk: no room"))));
        assertEquals("f: no such file or directory", Failures.describe(new UncheckedIOException(new NoSuchFileException("f"))));
    }
}
