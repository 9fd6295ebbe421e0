package dev.sartor.model.decoder;

import dev.sartor.nn.Cached;
import dev.sartor.nn.Module;
import dev.sartor.nn.TokenInputs;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Var;
import java.util.List;

/** What lets a decoder block's tokens see each other. */
interface SelfAttention {
    /** Every named module, in the order of computation. */
    List<Module> modules();

    /**
     * @param x [tokens, hidden]
     * @param cached or null
     * @return as x
     */
    Var forward(Tape tape, Var x, TokenInputs inputs, Cached cached);
}
