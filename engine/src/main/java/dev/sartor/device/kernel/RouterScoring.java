package dev.sartor.device.kernel;

/** What a router's logits become: {@code scoring_func}. */
public enum RouterScoring {
    /** Softmax over all experts. */
    SOFTMAX,
    SIGMOID
}
