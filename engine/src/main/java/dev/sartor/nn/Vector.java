package dev.sartor.nn;

import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;

/**
 * A vector that belongs to a layer beside its weights, such as attention's sinks or a router's correction bias.
 *
 * @param name its key in checkpoints, such as {@code model.layers.3.self_attn.sinks}
 * @param parameter [width] float32
 * @param stored the type that checkpoints have it in whatever the weights' is, or null for theirs: a correction
 *     bias moves by less than bfloat16 can tell
 */
public record Vector(String name, Parameter parameter, DType stored) implements Module {}
