package dev.sartor.device;

import dev.sartor.device.kernel.Kernel;

/**
 * A kernel with its arguments.
 *
 * @param where the layer that asked for it, such as {@code model.layers.3.self_attn.q_proj}
 */
public record Instruction(Kernel kernel, String where) {}
