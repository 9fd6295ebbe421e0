package dev.sartor.nn;

import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.Optional;

/** What a fine-tuning method puts in the place of a linear layer's product. */
public interface Adapter {
    /**
     * @param base the layer, whose weight and bias the adapter uses as they are
     * @param x [rows, in]
     * @return [rows, out]
     */
    Var apply(Tape tape, Linear base, Var x);

    /**
     * The layer with this adapter where {@link #apply} is no more than a {@link Projection}, which can then
     * be computed together with others of the same input.
     */
    default Optional<Projection> projection(Tape tape, Linear base) {
        return Optional.empty();
    }
}
