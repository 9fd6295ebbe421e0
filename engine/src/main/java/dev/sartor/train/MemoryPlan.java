package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.model.Recompute;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a run will need, in bytes, found without allocating any of it.
 *
 * @param weights held by the device
 * @param mapped of the model's files, read in place: resident as far as they are touched
 * @param adapters trained values and their gradients, where they are not among the weights
 * @param optimizer its state, where that is held in memory
 * @param activations the step's slab: what passes between its ops, and the batch
 * @param scratch of kernels
 * @param parameters how many numbers are trained
 * @param optimizerFile of the file that optimizer state is mapped from: the system may write it out, so it needs no memory of its own
 */
public record MemoryPlan(
        long weights, long mapped, long adapters, long optimizer, long activations, long scratch, long parameters,
        long optimizerFile) {
    /**
     * A plan that was chosen for a limit.
     *
     * @param recompute the least recomputation that fits, or the most there is if none does
     * @param rejected what was too large, from the least recomputation on
     */
    public record Fitted(MemoryPlan plan, Recompute recompute, List<MemoryPlan> rejected) {}

    /** All that the engine allocates, and what it maps of the model's files. */
    public long bytes() {
        return weights + mapped + adapters + optimizer + activations + scratch;
    }

    /**
     * Lays out a training step on shapes alone.
     *
     * @param options of the run; its start is taken as {@link TrainingSetup.Start#PLAN}
     * @param rows of a micro-batch
     * @param length of its rows
     */
    public static MemoryPlan of(Device device, TrainingSetup.Options options, TrainingArguments arguments, int rows, int length)
            throws IOException {
        return of(device, options, arguments, new BatchShape(rows, length), Optional.empty());
    }

    /**
     * Finds the least recomputation with which a run fits.
     *
     * @param available bytes for all that the engine allocates or maps
     * @param training the largest micro-batch
     * @param evaluation the largest batch of evaluation, if there is any
     */
    public static Fitted fitting(
            Device device, TrainingSetup.Options options, TrainingArguments arguments, BatchShape training,
            Optional<BatchShape> evaluation, long available) throws IOException {
        var rejected = new ArrayList<MemoryPlan>();
        for (var recompute : Recompute.values()) {
            var plan = of(device, options, arguments.withRecompute(recompute), training, evaluation);
            if (plan.bytes() <= available || recompute == Recompute.most()) {
                return new Fitted(plan, recompute, List.copyOf(rejected));
            }
            rejected.add(plan);
        }
        throw new IllegalStateException("no recomputation to choose from");
    }

    /**
     * Lays out a training step, and evaluation beside it, on shapes alone.
     *
     * @param training the largest micro-batch
     * @param evaluation the largest batch of evaluation, if there is any
     */
    public static MemoryPlan of(
            Device device, TrainingSetup.Options options, TrainingArguments arguments, BatchShape training,
            Optional<BatchShape> evaluation) throws IOException {
        try (var setup = new TrainingSetup(device, options.planned())) {
            long before = setup.stateBytes();
            try (var trainer = planning(setup, arguments)) {
                trainer.plan(training.rows(), training.length());
                evaluation.ifPresent(trainer::planEvaluation);
                return new MemoryPlan(setup.model().weightBytes(), setup.model().mappedBytes(), before, trainer.stateBytes(),
                        trainer.workspace().slabBytes(), trainer.workspace().scratchBytes(), setup.trainedParameters(),
                        trainer.stateFileBytes());
            }
        }
    }

    /** A trainer that is asked for nothing but sizes. */
    static Trainer planning(TrainingSetup setup, TrainingArguments arguments) throws IOException {
        return new Trainer(setup.model(), setup.trainee(), setup.random(), arguments, new NoData(), List.of(), Path.of("."),
                new TrainingListener() {});
    }

    private record NoData() implements TrainingData {
        @Override
        public long stepsPerEpoch() {
            return 1;
        }

        @Override
        public List<Batch> step(long step) {
            return List.of();
        }
    }
}
