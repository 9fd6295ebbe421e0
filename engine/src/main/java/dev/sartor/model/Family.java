package dev.sartor.model;

/** One kind of model: how its config.json reads and how its modules are wired. */
public interface Family {
    /** {@code model_type} in config.json. */
    String modelType();

    /**
     * @throws IllegalArgumentException if the configuration asks for something that is not built
     */
    CausalLm build(ConfigReader config, ModelBuilder builder);
}
