package dev.sartor.op;

/** What a tape that saves memory does with an output that the backward pass reads. */
public enum Recomputation {
    /** It is kept. */
    NEVER,
    /** It is computed again: little work, from values that the op's own backward pass reads anyway. */
    FROM_KEPT,
    /**
     * It is computed again where the inputs are, too. Elsewhere the inputs would have to be kept in its
     * place, since the op's own backward pass does not read them.
     */
    CHAINED
}
