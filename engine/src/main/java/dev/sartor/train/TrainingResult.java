package dev.sartor.train;

/**
 * How a run ended.
 *
 * @param steps optimizer steps done in all
 * @param stopped whether somebody stopped it before its end
 * @param loss mean loss of the last logged stretch
 */
public record TrainingResult(long steps, boolean stopped, double loss, double seconds, long tokens) {}
