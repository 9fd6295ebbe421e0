package dev.sartor.model;

/** What the engine needs to know of any causal language model. */
public interface ModelConfig {
    long vocabulary();

    long hidden();

    int layers();

    /** Features of one token's keys (and of its values) in a KV cache: kvHeads * headDim. */
    long cacheWidth();

    /** Longest sequence that the model was made for. */
    long maxPositions();

    /** The sliding window that all layers share; 0 where there is none or layers differ. */
    default int window() {
        return 0;
    }

    /** How routers of mixtures of experts are trained. */
    default RouterSettings routers() {
        return RouterSettings.NONE;
    }
}
