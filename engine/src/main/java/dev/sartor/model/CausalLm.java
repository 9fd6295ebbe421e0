package dev.sartor.model;

import dev.sartor.nn.Cached;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Routed;
import dev.sartor.nn.SparseMoe;
import dev.sartor.nn.TokenInputs;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;

/** A causal language model: a wiring of named modules. */
public interface CausalLm {
    /** The output head's name. */
    String HEAD = "lm_head";

    ModelConfig config();

    /** Every named module, in the order of computation. A tied output head is not listed again. */
    List<Module> modules();

    /** Token embedding. */
    Embedding embedding();

    /** The output head; with tied embeddings it shares the embedding's weight. */
    Linear head();

    /** Linear layers within the blocks, but for routers and experts: what {@code all-linear} means. */
    List<Linear> blockLinears();

    /** The layers that are mixtures of experts, in their order. */
    default List<SparseMoe> mixtures() {
        return List.of();
    }

    /** Makes what depends on the longest sequence, such as tables of rotary positions. Recording does so, too. */
    default void prepare(long positions) {}

    /**
     * What the blocks make of a batch.
     *
     * @param states the final normalized hidden states, [batch * length, hidden]
     * @param routed by the layers that are mixtures of experts, in their order
     */
    record Hidden(Var states, List<Routed> routed) {
        public Hidden {
            routed = List.copyOf(routed);
        }
    }

    /** @param cached where to keep keys and values, or null: then tokens attend to this batch only */
    Hidden hidden(Tape tape, TokenInputs inputs, Cached cached, Recompute recompute);
}
