package dev.sartor.train;

import dev.sartor.backend.Devices;
import dev.sartor.data.Batch;
import dev.sartor.data.Batches;
import dev.sartor.data.Collator;
import dev.sartor.data.Packing;
import dev.sartor.data.Sample;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.model.Recompute;
import dev.sartor.optim.AdamW;
import dev.sartor.peft.TinyModels;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** A training run of a small model. */
final class TinyRun implements AutoCloseable {
    static final int LENGTH = 16;

    final Device device;
    final TrainingSetup setup;
    final Trainer trainer;
    final List<TrainingListener.Progress> progress = new ArrayList<>();
    final List<Evaluation> evaluations = new ArrayList<>();
    private long stopAfter = Long.MAX_VALUE;

    /** @param adapter null to train every weight */
    TinyRun(String device, Path model, LoraConfig adapter, TrainingArguments arguments, TrainingData data,
            List<Batch> evaluation, Path output) throws IOException {
        this(device, model, DType.FLOAT32, null, adapter, arguments, data, evaluation, output);
    }

    /** @param quantization of the base as it is read, or null */
    TinyRun(String device, Path model, DType dtype, QuantizationConfig quantization, LoraConfig adapter, TrainingArguments arguments,
            TrainingData data, List<Batch> evaluation, Path output) throws IOException {
        this(device, new TrainingSetup.Options(model, dtype, quantization, adapter, arguments.seed(), TrainingSetup.Start.FILES),
                arguments, data, evaluation, output);
    }

    TinyRun(String device, TrainingSetup.Options options, TrainingArguments arguments, TrainingData data, List<Batch> evaluation,
            Path output) throws IOException {
        this.device = Devices.open(device);
        setup = new TrainingSetup(this.device, options);
        trainer = new Trainer(setup.model(), setup.trainee(), setup.random(), arguments, data, evaluation, output,
                new TrainingListener() {
                    @Override
                    public void logged(Progress now) {
                        progress.add(now);
                    }

                    @Override
                    public void evaluated(long step, Evaluation now) {
                        evaluations.add(now);
                        if (step == stopAfter) {
                            trainer.stop();
                        }
                    }
                });
    }

    /** Stops at the evaluation after a step. */
    TinyRun stopAfter(long step) {
        stopAfter = step;
        return this;
    }

    static Path model(Path parent) throws IOException {
        return model(parent, "llama");
    }

    static Path model(Path parent, String family) throws IOException {
        try (var reference = Devices.open("reference")) {
            return TinyModels.weights(reference, parent, family, DType.FLOAT32);
        }
    }

    /** Reports every step. */
    static TrainingArguments arguments(int batch, int accumulation, long steps, double maxGradNorm, long saveSteps) {
        return arguments(batch, accumulation, steps, maxGradNorm, saveSteps, Recompute.NONE);
    }

    static TrainingArguments arguments(
            int batch, int accumulation, long steps, double maxGradNorm, long saveSteps, Recompute recompute) {
        return arguments(batch, accumulation, steps, maxGradNorm, saveSteps, recompute, LearningRate.Schedule.COSINE,
                OptimizerArguments.of(new AdamW.Settings(0.9f, 0.999f, 1e-4f, 0.01f)));
    }

    static TrainingArguments arguments(
            int batch, int accumulation, long steps, double maxGradNorm, long saveSteps, Recompute recompute,
            LearningRate.Schedule schedule, OptimizerArguments optim) {
        return new TrainingArguments(batch, accumulation, 1e-2, schedule, 1, 0, optim, maxGradNorm, 1, steps, 1, 1, saveSteps, 0, 11, recompute);
    }

    /** Samples of 3 to 12 tokens whose first few are not learned. */
    static List<Sample> samples(int count) {
        var random = new Random(5);
        return IntStream.range(0, count).mapToObj(i -> {
            int[] ids = random.ints(3 + random.nextInt(10), 0, 64).toArray();
            int[] labels = ids.clone();
            Arrays.fill(labels, 0, random.nextInt(ids.length - 1), Sample.IGNORED);
            return new Sample(ids, labels);
        }).toList();
    }

    /** Packed and shuffled. */
    static TrainingData packed(int samples, int batch, int accumulation) {
        return packed(samples(samples), batch, accumulation);
    }

    static TrainingData packed(List<Sample> samples, int batch, int accumulation) {
        var rows = Packing.BFD.pack(samples, LENGTH);
        return new BatchedData(Batches.shuffled(rows, batch, Collator.toLength(0, LENGTH), 3), accumulation);
    }

    static List<Batch> evaluation() {
        return Batches.inOrder(samples(5).stream().map(List::of).toList(), 2, Collator.toMultiple(0, 4)).epoch(0);
    }

    /** The trained values, one after another. */
    float[] values() {
        var all = setup.trainee().trained().stream().map(each -> Eager.floats(device, each.value())).toList();
        float[] joined = new float[all.stream().mapToInt(each -> each.length).sum()];
        int at = 0;
        for (var each : all) {
            System.arraycopy(each, 0, joined, at, each.length);
            at += each.length;
        }
        return joined;
    }

    /** Makes the first element of a trained tensor NaN. */
    String poison(String nameEnding) {
        var trained = setup.trainee().trained().stream().filter(each -> each.name().endsWith(nameEnding)).findFirst().orElseThrow();
        var values = Eager.floats(device, trained.value());
        values[0] = Float.NaN;
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), trained.value());
        }
        return trained.name();
    }

    @Override
    public void close() {
        trainer.close();
        setup.close();
        device.close();
    }
}
