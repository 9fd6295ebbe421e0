package dev.sartor.nn;

import dev.sartor.device.kernel.Routing;
import dev.sartor.op.Route;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Chooses each token's experts and what they weigh. */
public final class Router {
    private final Linear gate;
    private final Routing routing;
    private final Vector correctionBias;

    /**
     * @param gate hidden to experts
     * @param correctionBias [experts], added to the scores for the choice only (DeepSeek-V3); null for none
     */
    public Router(Linear gate, Routing routing, Vector correctionBias) {
        this.gate = gate;
        this.routing = routing;
        this.correctionBias = correctionBias;
    }

    /** The layer that makes the logits. */
    public Linear gate() {
        return gate;
    }

    public Routing routing() {
        return routing;
    }

    /** [experts], or null. */
    public Vector correctionBias() {
        return correctionBias;
    }

    /**
     * @param logits [rows, experts]
     * @param indices [rows, top_k] int32
     * @param weights [rows, top_k] float32
     */
    record Choice(Var logits, Var indices, Var weights) {}

    Choice choose(Tape tape, Var x) {
        var logits = gate.forward(tape, x);
        var chosen = tape.in(gate.name(), () -> tape.applyAll(
                new Route(routing), logits, correctionBias == null ? null : tape.parameter(correctionBias.parameter())));
        return new Choice(logits, chosen.get(Route.INDICES), chosen.get(Route.WEIGHTS));
    }

    List<Module> modules() {
        return Stream.<Module>of(gate, correctionBias).filter(Objects::nonNull).toList();
    }
}
