package dev.sartor.backend.reference;

/** Soft capping of scores (Gemma Team 2024): cap * tanh(x / cap); 0 caps nothing. */
final class Softcap {
    private Softcap() {}

    static double value(double x, double cap) {
        return cap > 0 ? cap * Math.tanh(x / cap) : x;
    }

    /** From the capped value. */
    static double derivative(double capped, double cap) {
        return cap > 0 ? 1 - capped / cap * (capped / cap) : 1;
    }
}
