package dev.sartor.nn;

import dev.sartor.device.kernel.GroupScore;
import dev.sartor.device.kernel.RouterScoring;
import dev.sartor.device.kernel.Routing;
import dev.sartor.op.Combine;
import dev.sartor.op.Dispatch;
import dev.sartor.op.Route;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;
import java.util.stream.Stream;

/**
 * An expert that every token has beside its chosen ones (DeepSeekMoE, Dai et al. 2024, section 3.2).
 *
 * @param gate hidden to 1: what the expert weighs for a token, by a sigmoid (Qwen2-MoE); null for 1
 */
public record SharedExpert(GatedMlp mlp, Linear gate) {
    /** A sigmoid gate is a router among one expert. */
    private static final Routing ALONE = new Routing(1, RouterScoring.SIGMOID, false, 1, 1, 1, GroupScore.MAX);

    List<Module> modules() {
        return Stream.concat(mlp.modules().stream(), Stream.ofNullable(gate)).toList();
    }

    /**
     * @param x [rows, hidden]
     * @return as x
     */
    Var forward(Tape tape, Var x) {
        var y = mlp.forward(tape, x).y();
        if (gate == null) {
            return y;
        }
        var logits = gate.forward(tape, x);
        return tape.in(gate.name(), () -> {
            var chosen = tape.applyAll(new Route(ALONE), logits, null);
            var dispatched = tape.applyAll(new Dispatch(1, 0), chosen.get(Route.INDICES));
            return tape.apply(new Combine(), y, chosen.get(Route.WEIGHTS), dispatched.get(Dispatch.INVERSE));
        });
    }
}
