package dev.sartor.golden;

import dev.sartor.io.Json;
import dev.sartor.model.Families;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Cases that PyTorch, Transformers and PEFT computed. They come from the directory that {@code
 * SARTOR_GOLDENS} names, else from the shared fixtures with the project's own small selection of what these have not.
 */
final class Goldens {
    private static final Path OWN = Path.of("src/test/resources/goldens");

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
        return OWN;
    }

    /** Directories of models of a family that is built; the others are told of. */
    static List<Path> models() throws IOException {
        var models = new ArrayList<>(directories(directory(), Goldens::isBuilt, "config.json"));
        if (System.getenv("SARTOR_GOLDENS") == null) {
            var known = models.stream().map(Path::getFileName).toList();
            directories(OWN, Goldens::isBuilt, "config.json").stream()
                    .filter(path -> !known.contains(path.getFileName()))
                    .forEach(models::add);
        }
        return models;
    }

    private static boolean isBuilt(Path model) throws IOException {
        return Families.types().contains(Json.readObject(model.resolve("config.json")).path("model_type").asString(""));
    }

    /** Directories of a model's adapters of a method that is built; the others are told of. */
    static List<Path> adapters(Path model) throws IOException {
        return directories(model, path -> {
            var config = Json.readObject(path.resolve("adapter_config.json"));
            return config.path("peft_type").asString("").equals("LORA");
        }, "adapter_config.json");
    }

    private interface Filter {
        boolean accepts(Path path) throws IOException;
    }

    private static List<Path> directories(Path parent, Filter filter, String marker) throws IOException {
        List<Path> candidates;
        try (var all = Files.list(parent)) {
            candidates = all.filter(path -> Files.exists(path.resolve(marker))).sorted().toList();
        }
        var chosen = new ArrayList<Path>();
        for (var path : candidates) {
            if (filter.accepts(path)) {
                chosen.add(path);
            } else {
                System.err.println("GOLDENS: " + path + " is of a kind that is not built; it is left out");
            }
        }
        return chosen;
    }
}
