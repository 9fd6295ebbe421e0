package dev.sartor.device.kernel;

/** Activation functions, in the order of {@code sartor_activation_kind}. */
public enum ActivationKind {
    SILU,
    /** Exact, with erf. */
    GELU,
    /** The tanh form of Hendrycks and Gimpel 2016: {@code gelu_new}, {@code gelu_pytorch_tanh}. */
    GELU_TANH,
    RELU,
    /** GPT-OSS's: g sigmoid(1.702 g) with g = min(gate, 7); it multiplies clamp(up, -7, 7) + 1. */
    CLAMPED_SWISH
}
