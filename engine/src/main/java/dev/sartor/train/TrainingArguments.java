package dev.sartor.train;

import dev.sartor.model.Recompute;
import dev.sartor.optim.ScheduleFreeAdamW;
import java.util.Locale;

/**
 * Settings of a training run; the names are those of Transformers and TRL.
 *
 * @param maxSteps optimizer steps; 0 to go by epochs
 * @param gradientAccumulationSteps micro-batches a step
 * @param maxGradNorm 0 for no clipping
 * @param loggingSteps steps between reports
 * @param evalSteps steps between evaluations; 0 for none but the last
 * @param saveSteps steps between checkpoints; 0 for none
 * @param saveTotalLimit checkpoints that are kept; 0 for all
 */
public record TrainingArguments(
        int perDeviceTrainBatchSize,
        int gradientAccumulationSteps,
        double learningRate,
        LearningRate.Schedule lrSchedulerType,
        long warmupSteps,
        double warmupRatio,
        OptimizerArguments optim,
        double maxGradNorm,
        double numTrainEpochs,
        long maxSteps,
        int loggingSteps,
        long evalSteps,
        long saveSteps,
        int saveTotalLimit,
        long seed,
        Recompute recompute) {

    /** TRL's defaults. */
    public static TrainingArguments defaults() {
        return new TrainingArguments(8, 1, 2e-5, LearningRate.Schedule.LINEAR, 0, 0, OptimizerArguments.defaults(), 1.0, 3.0, 0,
                10, 0, 0, 0, 42, Recompute.NONE);
    }

    public TrainingArguments {
        require(perDeviceTrainBatchSize > 0, "per_device_train_batch_size", "above 0", perDeviceTrainBatchSize);
        require(gradientAccumulationSteps > 0, "gradient_accumulation_steps", "above 0", gradientAccumulationSteps);
        require(learningRate >= 0 && Double.isFinite(learningRate), "learning_rate", "0 or more", learningRate);
        require(warmupSteps >= 0, "warmup_steps", "0 or more", warmupSteps);
        require(warmupRatio >= 0 && warmupRatio <= 1, "warmup_ratio", "from 0 to 1", warmupRatio);
        require(!(optim.settings() instanceof ScheduleFreeAdamW.Settings) || lrSchedulerType == LearningRate.Schedule.CONSTANT,
                "lr_scheduler_type", "constant with optim=schedule_free_adamw, which averages instead",
                lrSchedulerType.name().toLowerCase(Locale.ROOT));
        require(maxGradNorm >= 0, "max_grad_norm", "0 (no clipping) or more", maxGradNorm);
        require(maxSteps > 0 || numTrainEpochs > 0, "num_train_epochs", "above 0, or max_steps above 0", numTrainEpochs);
        require(loggingSteps > 0, "logging_steps", "above 0", loggingSteps);
        require(evalSteps >= 0, "eval_steps", "0 or more", evalSteps);
        require(saveSteps >= 0, "save_steps", "0 or more", saveSteps);
        require(saveTotalLimit >= 0, "save_total_limit", "0 (all) or more", saveTotalLimit);
    }

    private static void require(boolean holds, String key, String expected, Object found) {
        if (!holds) {
            throw new IllegalArgumentException(key + ": expected " + expected + ", found " + found);
        }
    }

    /** The same for a number of optimizer steps. */
    public TrainingArguments withMaxSteps(long steps) {
        return new TrainingArguments(perDeviceTrainBatchSize, gradientAccumulationSteps, learningRate, lrSchedulerType,
                warmupSteps, warmupRatio, optim, maxGradNorm, numTrainEpochs, steps,
                loggingSteps, evalSteps, saveSteps, saveTotalLimit, seed, recompute);
    }

    /** The same with another optimizer; with schedule-free AdamW the learning rate stays up after its warm-up. */
    public TrainingArguments withOptim(OptimizerArguments other) {
        var schedule = other.settings() instanceof ScheduleFreeAdamW.Settings ? LearningRate.Schedule.CONSTANT : lrSchedulerType;
        return new TrainingArguments(perDeviceTrainBatchSize, gradientAccumulationSteps, learningRate, schedule, warmupSteps,
                warmupRatio, other, maxGradNorm, numTrainEpochs, maxSteps, loggingSteps, evalSteps, saveSteps, saveTotalLimit,
                seed, recompute);
    }

    /** The same with another recomputation; results are the same bit for bit. */
    public TrainingArguments withRecompute(Recompute level) {
        return new TrainingArguments(perDeviceTrainBatchSize, gradientAccumulationSteps, learningRate, lrSchedulerType,
                warmupSteps, warmupRatio, optim, maxGradNorm, numTrainEpochs, maxSteps,
                loggingSteps, evalSteps, saveSteps, saveTotalLimit, seed, level);
    }

    /** Optimizer steps of the whole run. */
    public long totalSteps(long stepsPerEpoch) {
        return maxSteps > 0 ? maxSteps : (long) Math.ceil(numTrainEpochs * stepsPerEpoch);
    }

    public LearningRate schedule(long totalSteps) {
        long warmup = warmupSteps > 0 ? warmupSteps : (long) Math.ceil(warmupRatio * totalSteps);
        return new LearningRate(lrSchedulerType, learningRate, warmup, totalSteps);
    }
}
