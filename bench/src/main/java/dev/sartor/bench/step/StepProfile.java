package dev.sartor.bench.step;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.bench.Threads;
import dev.sartor.model.Recompute;
import dev.sartor.optim.AdamW;
import dev.sartor.peft.lora.Lora;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LossProgram;
import dev.sartor.train.TrainingSetup;
import dev.sartor.train.TransformersBatch;
import dev.sartor.train.UpdateProgram;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Where a training step's time goes: each kernel on each shape, with its arithmetic or memory rate.
 * LoRA rank 16 on all linear layers. Every instruction is submitted alone, which costs microseconds.
 */
public final class StepProfile {
    private StepProfile() {}

    /** @param arguments MODEL DTYPE BATCH LENGTH STEPS; the model directory needs only its config.json */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 5) {
            throw new IllegalArgumentException("expected MODEL DTYPE BATCH LENGTH STEPS");
        }
        var dtype = DType.valueOf(arguments[1].toUpperCase());
        int rows = Integer.parseInt(arguments[2]);
        int length = Integer.parseInt(arguments[3]);
        int steps = Integer.parseInt(arguments[4]);
        var options = new TrainingSetup.Options(
                Path.of(arguments[0]), dtype, Lora.rank(16).alpha(32).allLinear().build(), 1, TrainingSetup.Start.RANDOM);
        try (var device = new ProfilingDevice(CpuDevice.open(Threads.count()));
                var setup = new TrainingSetup(device, options);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            var trained = setup.trainee().trained();
            var optimizer = new AdamW(new AdamW.Settings(0.9f, 0.999f, 1e-8f, 0), trained, state);
            var loss = new LossProgram(setup.model(), workspace, rows, length, true, Recompute.NONE);
            int vocabulary = (int) setup.model().config().vocabulary();
            try (var update = new UpdateProgram(device, state, optimizer, trained, 1)) {
                for (int step = 0; step <= steps; step++) {
                    if (step == 1) {
                        device.forget();
                    }
                    var batch = TransformersBatch.full(
                            rows, length, new SplittableRandom(step).ints((long) rows * length, 0, vocabulary).toArray());
                    loss.run(batch, 1f / batch.learnedTokens());
                    update.gradientNorm();
                    update.step(1e-4, step + 1);
                }
            }
            print(device.costs(), steps, rows * length);
        }
    }

    private static void print(Map<KernelShape, ProfilingDevice.Cost> costs, int steps, int tokens) {
        double all = costs.values().stream().mapToDouble(ProfilingDevice.Cost::seconds).sum() / steps;
        System.out.println("%.1f ms a step, %.0f tokens per second".formatted(all * 1e3, tokens / all));
        System.out.println("%-22s%-42s%7s%10s%8s%10s%8s".formatted("kernel", "shape", "calls", "ms", "%", "GFLOP/s", "GB/s"));
        costs.entrySet().stream()
                .sorted(Comparator.comparingDouble(each -> -each.getValue().seconds()))
                .forEach(each -> {
                    var shape = each.getKey();
                    double seconds = each.getValue().seconds() / steps;
                    double calls = (double) each.getValue().calls() / steps;
                    System.out.println("%-22s%-42s%7.0f%10.2f%8.1f%10.0f%8.1f".formatted(shape.kernel(), shape.shape(), calls,
                            seconds * 1e3, 100 * seconds / all, calls * shape.flops() / seconds / 1e9,
                            calls * shape.bytes() / seconds / 1e9));
                });
    }
}
