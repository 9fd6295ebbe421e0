package dev.sartor.train;

/**
 * The learning rate of each step: a linear warm-up, then one of Transformers' schedules.
 *
 * @param peak the rate after warm-up
 * @param totalSteps optimizer steps of the whole run
 */
public record LearningRate(Schedule schedule, double peak, long warmupSteps, long totalSteps) {
    public enum Schedule { CONSTANT, LINEAR, COSINE }

    /** @param step from 0 */
    public double at(long step) {
        if (step < warmupSteps) {
            return peak * step / Math.max(1, warmupSteps);
        }
        double progress = (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
        return peak * switch (schedule) {
            case CONSTANT -> 1;
            case LINEAR -> Math.max(0, 1 - progress);
            case COSINE -> Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
        };
    }
}
