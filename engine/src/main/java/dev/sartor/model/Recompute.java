package dev.sartor.model;

/** What the backward pass computes again instead of keeping it, from the least work to the least memory. */
public enum Recompute {
    /** Everything that gradients need is kept. */
    NONE,
    /**
     * Results of elementwise ops and norms that cost little to compute again, such as SwiGLU's product, are
     * not kept.
     */
    CHEAP_OPS,
    /** Only the input of each block is kept: least memory, a third more work. */
    BLOCKS;

    /** The level that needs the least memory. */
    public static Recompute most() {
        return BLOCKS;
    }

    /** In words, for people. */
    public String description() {
        return switch (this) {
            case NONE -> "none";
            case CHEAP_OPS -> "cheap ops";
            case BLOCKS -> "blocks";
        };
    }
}
