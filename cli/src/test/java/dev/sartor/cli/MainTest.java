package dev.sartor.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Set;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Main.commandLine(arguments)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    @Test
    void versionIsTheBuildsOwn() {
        assertEquals(0, run("--version"));
        assertTrue(out.toString().matches("(?s)sartor \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R.*"), out.toString());
    }

    /** A command that is asked for comes alone, and is the one that its name says. */
    @Test
    void eachCommandIsThere() {
        var all = Main.commandLine();
        assertTrue(all.getSubcommands().size() > 10, all.getSubcommands().keySet().toString());
        all.getSubcommands().forEach((name, command) -> {
            assertEquals(name, command.getCommandSpec().userObject().getClass().getAnnotation(Command.class).name());
            var alone = Main.commandLine(name, "--help");
            assertEquals(Set.of(name), alone.getSubcommands().keySet());
            assertEquals(command.getUsageMessage(), alone.getSubcommands().get(name).getUsageMessage());
        });
    }

    @Test
    void unknownCommandIsWrongUsage() {
        assertEquals(2, run("no-such-command"));
        assertTrue(err.toString().contains("no-such-command"), err.toString());
    }
}
