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

    @Override
    public String description() {
        return Json.compact(adapters.configuration(name));
    }

    @Override
    public void save(Path directory) throws IOException {
        adapters.save(name, directory, Map.of());
    }
}
