package dev.sartor.nn;

import dev.sartor.op.LoraLinear;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A linear layer, with a low-rank adapter or without, as several can be of one input: queries, keys and
 * values, or a gate and what it lets through. One op then converts the input once, and sums the input's
 * gradient before it is rounded.
 *
 * @param weight the weight's parameter, or null where it is frozen
 * @param bias or null
 * @param loraA or null, as loraB
 */
public record Projection(LoraLinear.Layer layer, Parameter weight, Parameter bias, Parameter loraA, Parameter loraB) {
    /**
     * The layers' outputs for one input: one op where all of them allow it, otherwise one by one.
     *
     * @param x [rows, in]
     */
    public static List<Var> together(Tape tape, Var x, List<Linear> layers) {
        var projections = layers.stream().map(layer -> layer.projection(tape)).flatMap(Optional::stream).toList();
        // Where x takes no gradient, layers without trained parameters have none to compute at all.
        boolean agree = x.needsGradient() || projections.stream().map(Projection::isTrained).distinct().count() < 2;
        if (projections.size() < layers.size() || layers.size() > LoraLinear.MAX_LAYERS || !agree) {
            return layers.stream().map(layer -> layer.forward(tape, x)).toList();
        }
        return tape.in(name(layers), () -> tape.applyAll(
                new LoraLinear(projections.stream().map(Projection::layer).toList(), 0, null, 0),
                Stream.concat(Stream.of(x), projections.stream().flatMap(each -> each.inputs(tape))).toArray(Var[]::new)));
    }

    private Stream<Var> inputs(Tape tape) {
        return Stream.of(weight, bias, loraA, loraB).map(tape::parameter);
    }

    private boolean isTrained() {
        return Stream.of(weight, bias, loraA, loraB).filter(Objects::nonNull).anyMatch(Parameter::isTrained);
    }

    /** Such as {@code model.layers.3.self_attn.{q_proj, k_proj, v_proj}}. */
    private static String name(List<Linear> layers) {
        var first = layers.getFirst().name();
        var parent = first.substring(0, first.lastIndexOf('.') + 1);
        return parent + layers.stream()
                .map(Linear::name)
                .map(name -> name.startsWith(parent) ? name.substring(parent.length()) : name)
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
