package dev.sartor.op;

import dev.sartor.tensor.Tensor;

/**
 * Where an input's gradient goes.
 *
 * @param accumulate whether something is there already that must be added to
 */
public record Gradient(Tensor tensor, boolean accumulate) {}
