package dev.sartor.nn;

import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.op.Activation;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;
import java.util.Optional;

/**
 * down(act(gate(x)) * up(x)), as in SwiGLU and GeGLU (Shazeer 2020).
 *
 * @param name such as {@code model.layers.3.mlp}
 */
public record GatedMlp(String name, Linear gate, Linear up, Linear down, ActivationKind activation) implements FeedForward {
    @Override
    public List<Module> modules() {
        return List.of(gate, up, down);
    }

    @Override
    public Output forward(Tape tape, Var x) {
        var wide = Projection.together(tape, x, List.of(gate, up));
        var activated = tape.in(name, () -> tape.apply(new Activation(activation), wide.get(0), wide.get(1)));
        return new Output(down.forward(tape, activated), Optional.empty());
    }
}
