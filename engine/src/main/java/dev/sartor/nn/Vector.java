package dev.sartor.nn;

import dev.sartor.tape.Parameter;

/**
 * A vector that belongs to a layer beside its weights, such as attention's sinks or a router's correction bias.
 *
 * @param name its key in checkpoints, such as {@code model.layers.3.self_attn.sinks}
 * @param parameter [width] float32
 */
public record Vector(String name, Parameter parameter) implements Module {}
