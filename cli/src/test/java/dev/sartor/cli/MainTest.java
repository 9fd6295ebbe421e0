package dev.sartor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    @Test
    void versionIsTheBuildsOwn() {
        assertEquals(0, run("--version"));
        assertTrue(out.toString().matches("(?s)sartor \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R.*"), out.toString());
    }

    @Test
    void unknownCommandIsWrongUsage() {
        assertEquals(2, run("no-such-command"));
        assertTrue(err.toString().contains("no-such-command"), err.toString());
    }
}
