package dev.sartor.nn;

import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;

/** What a fine-tuning method puts in the place of a linear layer's product. */
public interface Adapter {
    /**
     * @param base the layer, whose weight and bias the adapter uses as they are
     * @param x [rows, in]
     * @return [rows, out]
     */
    Var apply(Tape tape, Linear base, Var x);
}
