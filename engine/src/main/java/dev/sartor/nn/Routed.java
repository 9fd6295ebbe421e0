package dev.sartor.nn;

import dev.sartor.device.kernel.Routing;
import dev.sartor.tape.Var;

/**
 * How a layer's router distributed a batch over its experts.
 *
 * @param layer the mixture's name, such as {@code model.layers.3.mlp}
 * @param logits [rows, experts]
 * @param indices [rows, top_k] int32: the experts of each token
 * @param inverse [rows, top_k] int32: the grouped row of each assignment, -1 where it was dropped
 */
public record Routed(String layer, Routing routing, Var logits, Var indices, Var inverse) {
    public int experts() {
        return (int) logits.spec().shape().last();
    }
}
