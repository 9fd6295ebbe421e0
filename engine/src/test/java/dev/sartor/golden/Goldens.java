package dev.sartor.golden;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Cases that PyTorch, Transformers and PEFT computed. They come from the directory that {@code
 * SARTOR_GOLDENS} names, else from the shared fixtures, else from the project's own small selection.
 */
final class Goldens {
    private Goldens() {}

    static Path directory() {
        var named = System.getenv("SARTOR_GOLDENS");
        if (named != null) {
            return Path.of(named);
        }
        var fixtures = System.getenv("SARTOR_FIXTURES");
        var shared = Path.of(fixtures == null ? "../../shared/fixtures" : fixtures).resolve("goldens");
        if (Files.isDirectory(shared)) {
            return shared;
        }
        System.err.println("GOLDENS: " + shared.toAbsolutePath().normalize()
                + " is absent; only the project's own selection of golden cases runs");
        return Path.of("src/test/resources/goldens");
    }

    /** Directories of models of one of the types. */
    static List<Path> families(List<String> names) throws IOException {
        try (var all = Files.list(directory())) {
            return all.filter(path -> names.contains(path.getFileName().toString())).sorted().toList();
        }
    }
}
