package dev.sartor.train;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What a run will need, in bytes, found without allocating any of it.
 *
 * @param weights held by the device
 * @param mapped of the model's files, read in place: resident as far as they are touched
 * @param adapters trained values and their gradients, where they are not among the weights
 * @param optimizer its state, and the batch's own tensors
 * @param activations the step's slab
 * @param scratch of kernels
 * @param parameters how many numbers are trained
 */
public record MemoryPlan(
        long weights, long mapped, long adapters, long optimizer, long activations, long scratch, long parameters) {

    /** All that the engine allocates or maps. */
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
        var planned = new TrainingSetup.Options(options.model(), options.dtype(), options.adapter(), options.seed(),
                TrainingSetup.Start.PLAN);
        try (var setup = new TrainingSetup(device, planned)) {
            long before = setup.stateBytes();
            try (var trainer = new Trainer(setup.model(), setup.trainee(), setup.random(), arguments, new NoData(), List.of(),
                    Path.of("."), new TrainingListener() {})) {
                var plan = trainer.plan(rows, length);
                return new MemoryPlan(setup.model().weightBytes(), setup.model().mappedBytes(), before, trainer.stateBytes(),
                        plan.slabBytes(), plan.scratchBytes(), setup.trainedParameters());
            }
        }
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
