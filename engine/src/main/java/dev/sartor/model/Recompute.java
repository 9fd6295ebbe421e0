package dev.sartor.model;

/** What the backward pass computes again instead of keeping it. */
public enum Recompute {
    /** Everything that gradients need is kept. */
    NONE,
    /** Only the input of each block is kept: least memory, a third more work. */
    BLOCKS
}
