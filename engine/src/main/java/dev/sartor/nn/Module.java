package dev.sartor.nn;

/** A part of a model that has a name in checkpoints, such as {@code model.layers.0.input_layernorm}. */
public sealed interface Module permits Linear, Embedding, Norm, Vector {
    String name();
}
