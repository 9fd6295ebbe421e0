package dev.sartor.optim;

import dev.sartor.tensor.Tensor;

/**
 * A tensor that an optimizer changes.
 *
 * @param value float32
 * @param gradient float32, of value's shape
 * @param decays whether weight decay applies; customarily not to biases and norms
 */
public record Trained(String name, Tensor value, Tensor gradient, boolean decays) {}
