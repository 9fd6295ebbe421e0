package dev.sartor.train;

import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.nn.Linear;
import dev.sartor.optim.Trained;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Every weight of a model.
 *
 * @param dtype in which weights are saved
 */
public record ModelTrainee(LanguageModel model, DType dtype) implements Trainee {
    @Override
    public List<Trained> trained() {
        var matrices = model.lm().modules().stream()
                .filter(module -> module instanceof Linear && module != model.lm().head())
                .map(module -> ((Linear) module).weight().parameter())
                .collect(Collectors.toSet());
        return model.parameters().stream().map(each -> trained(each, matrices.contains(each))).toList();
    }

    private static Trained trained(Parameter parameter, boolean matrix) {
        // Norms and biases are vectors; weight decay is for matrices.
        boolean vector = parameter.value().shape().rank() < 2 || parameter.name().endsWith("bias");
        return new Trained(parameter.name(), parameter.value(), parameter.gradient(), !vector)
                .withRole(vector ? Trained.Role.VECTOR : matrix ? Trained.Role.MATRIX : Trained.Role.TABLE);
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
