package dev.sartor.nn;

import dev.sartor.op.Add;
import dev.sartor.op.Combine;
import dev.sartor.op.Dispatch;
import dev.sartor.op.Jitter;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A sparse mixture of experts (Shazeer et al. 2017): each token's experts are chosen by a router, and their
 * outputs summed with its weights; experts that all tokens share are added.
 */
public final class SparseMoe implements FeedForward {
    /** Beyond the sites of adapters' dropout, which count from 0. */
    private static final long FIRST_SITE = 1L << 30;

    private final String name;
    private final Router router;
    private final Experts experts;
    private final SharedExpert shared;
    private Training training;

    /**
     * What happens in training only.
     *
     * @param random seed and step, two int64
     * @param site tells this layer's draws from those of others, from 0
     * @param jitterNoise see {@link Jitter}; 0 for none
     * @param capacityFactor what an expert takes at most, in even shares; 0: all
     */
    public record Training(Tensor random, long site, float jitterNoise, double capacityFactor) {}

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

    /** Says what happens in training; recordings follow it from now on. */
    public void setTraining(Training training) {
        this.training = training;
    }

    private Var jittered(Tape tape, Var x) {
        return training == null || training.jitterNoise == 0 || !tape.isTraining() ? x : tape.in(name, () -> tape.apply(
                new Jitter(training.random, FIRST_SITE + training.site, training.jitterNoise), x));
    }

    private long capacity(Tape tape, Var indices) {
        return training == null || !tape.isTraining() ? 0
                : Dispatch.capacity(training.capacityFactor, indices.spec().shape().elements(), experts.count());
    }

    @Override
    public Output forward(Tape tape, Var input) {
        var x = jittered(tape, input);
        var choice = router.choose(tape, x);
        var routing = router.routing();
        var dispatched = tape.in(name, () -> tape.applyAll(
                new Dispatch(experts.count(), capacity(tape, choice.indices())), choice.indices()));
        var inverse = dispatched.get(Dispatch.INVERSE);
        var grouped = experts.forward(tape, x, dispatched, routing.topK());
        var combined = tape.in(name, () -> tape.apply(new Combine(), grouped, choice.weights(), inverse));
        var y = shared == null ? combined
                : added(tape, combined, shared.forward(tape, input));
        return new Output(y, Optional.of(new Routed(name, routing, choice.logits(), choice.indices(), inverse)));
    }

    private Var added(Tape tape, Var routed, Var everyone) {
        return tape.in(name, () -> tape.apply(Add.SUM, routed, everyone));
    }
}
