package dev.sartor.io;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The test sets beside the repository; a test that needs one says loudly when it is absent. */
public final class Fixtures {

    private Fixtures() {
    }

    /** A file or directory of the fixtures; aborts the test, with a line on standard error, where there is none. */
    public static Path require(String relative) {
        Path path = root().resolve(relative);
        if (!Files.exists(path)) {
            String message = "NOT RUN: fixture " + relative + " is absent (" + path + "); set SARTOR_FIXTURES";
            System.err.println(message);
            Assumptions.abort(message);
        }
        return path;
    }

    private static Path root() {
        String set = System.getenv("SARTOR_FIXTURES");
        if (set != null && !set.isBlank()) {
            return Path.of(set).toAbsolutePath();
        }
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.exists(at.resolve(".git")) && Files.isDirectory(at.resolveSibling("shared").resolve("fixtures"))) {
                return at.resolveSibling("shared").resolve("fixtures");
            }
        }
        return Path.of("..", "shared", "fixtures").toAbsolutePath().normalize();
    }
}
