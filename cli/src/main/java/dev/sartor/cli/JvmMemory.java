package dev.sartor.cli;

/** The part of a run's memory that does not depend on the model. */
final class JvmMemory {
    /**
     * The Java virtual machine with the launcher's options: heap as it settles, classes, compiled code,
     * threads, the native library and the tokenizer. Measured as the resident peak of runs less what
     * they allocated; see docs/memory.md.
     */
    static final long FIXED_BYTES = 105L << 20;

    private JvmMemory() {}
}
