package dev.sartor.bench.step;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.bench.Threads;
import dev.sartor.device.Device;
import dev.sartor.model.Recompute;
import dev.sartor.optim.AdamW;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.train.LossProgram;
import dev.sartor.train.TrainingSetup;
import dev.sartor.train.UpdateProgram;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Tokens per second of whole training steps (forward, backward, clipping, AdamW) of the 134M Llama shape. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 3, time = 5)
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"})
public class StepBenchmark {
    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Device device;
    private TrainingSetup setup;
    private dev.sartor.tensor.Scope state;
    private Workspace workspace;
    private LossProgram loss;
    private UpdateProgram update;
    private int step;

    @Setup
    public void open() throws IOException {
        device = CpuDevice.open(Threads.count());
        setup = LlamaShape.open(device, dtype);
        state = new dev.sartor.tensor.Scope(dev.sartor.tensor.Scope.Kind.STATE, device);
        workspace = new Workspace(device);
        var trained = setup.trainee().trained();
        var optimizer = new AdamW(new AdamW.Settings(0.9f, 0.999f, 1e-8f, 0), trained, state);
        update = new UpdateProgram(device, state, optimizer, trained, 1);
        loss = new LossProgram(
                setup.model(), workspace, LlamaShape.ROWS, LlamaShape.LENGTH, true, Recompute.NONE);
    }

    @Benchmark
    @OperationsPerInvocation(LlamaShape.TOKENS)
    public double step() {
        var batch = LlamaShape.batch(step++);
        double sum = loss.run(batch, 1f / batch.learnedTokens()).sum();
        double norm = update.gradientNorm();
        update.step(1e-4, step);
        return sum + norm;
    }

    @TearDown
    public void close() {
        update.close();
        workspace.close();
        state.close();
        setup.close();
        device.close();
    }
}
