package dev.sartor.train;

import dev.sartor.io.Json;
import dev.sartor.optim.Trained;
import dev.sartor.peft.Adapters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** One adapter of a model, trained while the model stays as it is. */
public record AdapterTrainee(Adapters adapters, String name) implements Trainee {
    @Override
    public List<Trained> trained() {
        return adapters.trained(name);
    }

    /** Without the base's path: what counts is the model, wherever it lies. */
    @Override
    public String description() {
        var configuration = adapters.configuration(name);
        configuration.remove("base_model_name_or_path");
        return Json.compact(configuration);
    }

    @Override
    public void save(Path directory) throws IOException {
        adapters.save(name, directory, Map.of());
    }
}
