package dev.sartor.train;

import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.optim.Trained;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Every weight of a model.
 *
 * @param dtype in which weights are saved
 */
public record ModelTrainee(LanguageModel model, DType dtype) implements Trainee {
    @Override
    public List<Trained> trained() {
        // Norms and biases are vectors; weight decay is for matrices.
        return model.parameters().stream()
                .map(each -> new Trained(each.name(), each.value(), each.gradient(), each.value().shape().rank() > 1))
                .toList();
    }

    @Override
    public String description() {
        return "every weight";
    }

    @Override
    public void save(Path directory) throws IOException {
        ModelWriter.write(model, directory, dtype, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
    }
}
