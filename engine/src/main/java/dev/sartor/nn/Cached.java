package dev.sartor.nn;

import dev.sartor.tensor.Tensor;

/**
 * A cache and where in it this step's tokens go.
 *
 * @param slots [batch, length] int32; negative for padding
 */
public record Cached(KvCache cache, Tensor slots) {}
