package dev.sartor.nn;

import dev.sartor.op.Add;
import dev.sartor.op.Combine;
import dev.sartor.op.Dispatch;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A sparse mixture of experts (Shazeer et al. 2017): each token's experts are chosen by a router, and their
 * outputs summed with its weights; experts that all tokens share are added.
 */
public final class SparseMoe implements FeedForward {
    private final String name;
    private final Router router;
    private final Experts experts;
    private final SharedExpert shared;

    /**
     * @param name such as {@code model.layers.3.mlp}
     * @param shared null for none
     */
    public SparseMoe(String name, Router router, Experts experts, SharedExpert shared) {
        this.name = name;
        this.router = router;
        this.experts = experts;
        this.shared = shared;
    }

    public Router router() {
        return router;
    }

    public Experts experts() {
        return experts;
    }

    /** The router's and the experts' modules, without those of a shared expert. */
    public List<Module> routedModules() {
        return Stream.concat(router.modules().stream(), experts.modules().stream()).toList();
    }

    @Override
    public List<Module> modules() {
        var modules = new ArrayList<>(routedModules());
        if (shared != null) {
            modules.addAll(shared.modules());
        }
        return List.copyOf(modules);
    }

    @Override
    public Output forward(Tape tape, Var x) {
        var choice = router.choose(tape, x);
        var routing = router.routing();
        var dispatched = tape.in(name, () -> tape.applyAll(new Dispatch(experts.count(), 0), choice.indices()));
        var inverse = dispatched.get(Dispatch.INVERSE);
        var grouped = experts.forward(tape, x, dispatched, routing.topK());
        var combined = tape.in(name, () -> tape.apply(new Combine(), grouped, choice.weights(), inverse));
        var y = shared == null ? combined
                : added(tape, combined, shared.forward(tape, x));
        return new Output(y, Optional.of(new Routed(name, routing, choice.logits(), choice.indices(), inverse)));
    }

    private Var added(Tape tape, Var routed, Var everyone) {
        return tape.in(name, () -> tape.apply(Add.SUM, routed, everyone));
    }
}
