package dev.sartor.nn;

import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a decoder block does to each token by itself: one network for all, or a mixture of experts. */
public sealed interface FeedForward permits GatedMlp, SparseMoe {
    /** Every named module, in the order of computation. */
    List<Module> modules();

    /** @param x [rows, hidden] */
    Output forward(Tape tape, Var x);

    /**
     * @param y [rows, hidden]
     * @param routed what the router of a mixture of experts did
     */
    record Output(Var y, Optional<Routed> routed) {
        /** The values whose gradients can be asked for. */
        public List<Var> differentiable() {
            return Stream.concat(Stream.of(y), routed.stream().map(Routed::logits)).toList();
        }

        /** The same with another value in y's place, such as the sum with a residual. */
        public Output with(Var other) {
            return new Output(other, routed);
        }
    }
}
