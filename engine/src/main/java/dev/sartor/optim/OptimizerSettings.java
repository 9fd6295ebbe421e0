package dev.sartor.optim;

import dev.sartor.tensor.Scope;
import java.util.List;

/** A method with its numbers. */
public sealed interface OptimizerSettings
        permits AdamW.Settings, AdamW8Bit.Settings, Adafactor.Settings, Lion.Settings, Muon.Settings, ScheduleFreeAdamW.Settings {
    /** Its name in Transformers' {@code optim}, or torch's class in lower case where there is none. */
    String method();

    /**
     * @param state owns what outlives steps and grows with the parameters: it may lie in a file
     * @param work owns what a step needs while it runs, and single numbers
     */
    Optimizer create(List<Trained> trained, Scope state, Scope work);

    /** @throws IllegalArgumentException naming the key, unless the condition holds */
    static void require(boolean holds, String key, String expected, Object found) {
        if (!holds) {
            throw new IllegalArgumentException(key + ": expected " + expected + ", found " + found);
        }
    }

    /** Refuses decay rates outside of [0, 1). */
    static void requireBetas(float beta1, float beta2) {
        require(beta1 >= 0 && beta1 < 1, "adam_beta1", "in [0, 1)", beta1);
        require(beta2 >= 0 && beta2 < 1, "adam_beta2", "in [0, 1)", beta2);
    }

    static void requireWeightDecay(float weightDecay) {
        require(weightDecay >= 0 && Float.isFinite(weightDecay), "weight_decay", "0 or more", weightDecay);
    }
}
