package dev.sartor.train;

import java.nio.file.Path;
import java.util.Optional;

/** Hears how a run goes. Called on the training thread. */
public interface TrainingListener {
    /** @param resumedFrom steps that were already done */
    default void started(long totalSteps, long resumedFrom) {}

    default void logged(Progress progress) {}

    default void evaluated(long step, Evaluation evaluation) {}

    default void saved(long step, Path checkpoint) {}

    default void finished(TrainingResult result) {}

    /**
     * Means since the last report.
     *
     * @param step optimizer steps done
     * @param epoch passes over the data, in fractions
     * @param loss mean of the learned tokens, in nats, with the routers' losses added
     * @param gradientNorm of the last step, before clipping
     * @param routers what the routers of mixtures of experts did since the last report, if there are any
     * @param tokens tokens read so far, padding included
     * @param learnedTokens tokens learned so far
     * @param secondsLeft estimate to the end
     */
    record Progress(
            long step, long totalSteps, double epoch, double loss, double gradientNorm, double learningRate,
            Optional<RouterReport> routers, long tokens, long learnedTokens, double tokensPerSecond, double secondsLeft) {}
}
