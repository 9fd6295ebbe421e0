package dev.sartor.model;

import dev.sartor.io.TensorSource;
import java.util.List;

/** One kind of model: how its config.json reads and how its modules are wired. */
public interface Family {
    /** {@code model_type} in config.json. */
    String modelType();

    /** Tensors under the names of {@link CausalLm#modules}, where the family's files have others or lay them out otherwise. */
    default WeightSource reading(WeightSource files, ConfigReader config) {
        return files;
    }

    /** The inverse of {@link #reading}, of a whole model's tensors. */
    default List<TensorSource> writing(List<TensorSource> tensors) {
        return tensors;
    }

    /**
     * @throws IllegalArgumentException if the configuration asks for something that is not built
     */
    CausalLm build(ConfigReader config, ModelBuilder builder);
}
