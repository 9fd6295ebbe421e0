package dev.sartor.bench.step;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.bench.Threads;
import dev.sartor.data.Batch;
import dev.sartor.tensor.DType;
import dev.sartor.train.Trainer;
import dev.sartor.train.TrainingArguments;
import dev.sartor.train.TrainingData;
import dev.sartor.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/**
 * How much of a training step passes outside native kernels: the trainer's own loop on the 134M
 * Llama shape, with the time within submits taken from the whole. The first step, which makes the
 * program, does not count.
 */
public final class StepShare {
    /** Where the clocks stand after a step. */
    private record Mark(long now, long inKernels, long submits) {}

    private record RandomTokens(long stepsPerEpoch) implements TrainingData {
        @Override
        public List<Batch> step(long step) {
            return List.of(LlamaShape.batch(step));
        }
    }

    private StepShare() {}

    public static void main(String[] arguments) throws IOException {
        int steps = arguments.length == 0 ? 5 : Integer.parseInt(arguments[0]);
        if (steps < 1) {
            throw new IllegalArgumentException("expected a number of steps from 1, found " + steps);
        }
        System.out.println("%-10s%12s%16s%14s%14s".formatted("", "ms a step", "in kernels ms", "outside %", "submits"));
        for (var dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            try (var device = new MeteredDevice(CpuDevice.open(Threads.count()))) {
                measure(device, dtype, steps);
            }
        }
    }

    private static void measure(MeteredDevice device, DType dtype, int steps) throws IOException {
        var marks = new ArrayList<Mark>();
        var output = Files.createTempDirectory("sartor-bench");
        try (var setup = LlamaShape.open(device, dtype);
                var trainer = new Trainer(setup.model(), setup.trainee(), setup.random(), arguments(steps + 1),
                        new RandomTokens(steps + 1), List.of(), output, new TrainingListener() {
                            @Override
                            public void logged(Progress progress) {
                                marks.add(new Mark(System.nanoTime(), device.nanoseconds(), device.submits()));
                            }
                        })) {
            trainer.run();
        } finally {
            Files.delete(output);
        }
        var first = marks.getFirst();
        var last = marks.getLast();
        double whole = (last.now - first.now) / 1e6 / steps;
        double kernels = (last.inKernels - first.inKernels) / 1e6 / steps;
        System.out.println("%-10s%12.1f%16.1f%14.3f%14d".formatted(dtype.name().toLowerCase(), whole, kernels,
                100 * (whole - kernels) / whole, (last.submits - first.submits) / steps));
    }

    private static TrainingArguments arguments(int steps) {
        var d = TrainingArguments.defaults();
        return new TrainingArguments(LlamaShape.ROWS, 1, d.learningRate(), d.lrSchedulerType(), d.warmupSteps(),
                d.warmupRatio(), d.optim(), d.maxGradNorm(),
                d.numTrainEpochs(), steps, 1, 0, 0, 0, d.seed(), d.recompute());
    }
}
