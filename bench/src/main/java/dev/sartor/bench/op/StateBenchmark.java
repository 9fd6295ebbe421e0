package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Adafactor;
import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.AdamW8Bit;
import dev.sartor.device.kernel.Clip;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.DoraScaleBackward;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Lion;
import dev.sartor.device.kernel.MatMul;
import dev.sartor.device.kernel.MuonMomentum;
import dev.sartor.device.kernel.MuonUpdate;
import dev.sartor.device.kernel.Sample;
import dev.sartor.device.kernel.ScheduleFreeAdamW;
import dev.sartor.device.kernel.ScheduleFreeWeight;
import dev.sartor.device.kernel.SumSquares;
import dev.sartor.device.kernel.WeightedSum;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * Kernels on float32 state: optimizers and reductions over 16 Mi parameters in one tensor (where
 * they ask for a matrix, of 4096 x 4096); Muon's product of a 1024 x 4096 matrix with itself;
 * sampling from 256 rows of 32000 logits with top-k 50 and top-p 0.9. The two kernels on single
 * numbers show what a kernel costs at the least: their part of a roof means nothing.
 */
public class StateBenchmark extends KernelBenchmark {
    private static final long SIDE = 4096;
    private static final long PARAMETERS = SIDE * SIDE;
    private static final int LOGIT_ROWS = 256;
    private static final int VOCABULARY = 32000;

    /** What runs. */
    public enum State {
        ADAMW, ADAMW_8BIT, LION, ADAFACTOR, SCHEDULE_FREE_ADAMW, SCHEDULE_FREE_WEIGHT, MUON_MOMENTUM, MUON_UPDATE, MATMUL,
        SUM_SQUARES, WEIGHTED_SUM, CLIP, DORA_SCALE, DORA_SCALE_BACKWARD, SAMPLE
    }

    @Param
    public State kernel;

    private Program program;

    @Override
    protected void prepare() {
        switch (kernel) {
            case ADAMW -> {
                var parameter = parameters();
                var m = state();
                var v = state();
                var adamw = new AdamW(parameter, parameters(), m, v, null, schedule(), 0.9f, 0.999f, 1e-8f, 0);
                measure(Work.streaming(adamw).updating(parameter, m, v), adamw);
            }
            case ADAMW_8BIT -> {
                var parameter = parameters();
                var m = zeros(DType.UINT8, PARAMETERS);
                var v = zeros(DType.UINT8, PARAMETERS);
                var mAbsmax = zeros(DType.FLOAT32, AdamW8Bit.blocks(PARAMETERS));
                var vAbsmax = zeros(DType.FLOAT32, AdamW8Bit.blocks(PARAMETERS));
                var adamw = new AdamW8Bit(
                        parameter, parameters(), m, v, mAbsmax, vAbsmax, null, schedule(), 0.9f, 0.999f, 1e-8f, 0);
                measure(Work.streaming(adamw).updating(parameter, m, v, mAbsmax, vAbsmax), adamw);
            }
            case LION -> {
                var parameter = parameters();
                var m = state();
                var lion = new Lion(parameter, parameters(), m, null, schedule(), 0.9f, 0.99f, 0);
                measure(Work.streaming(lion).updating(parameter, m), lion);
            }
            case ADAFACTOR -> {
                var parameter = square();
                var row = zeros(DType.FLOAT32, SIDE);
                var column = zeros(DType.FLOAT32, SIDE);
                var adafactor = new Adafactor(
                        parameter, square(), row, column, null, null, schedule(), -0.8f, 1e-30f, 1e-3f, 1, 0, false);
                measure(Work.streaming(adafactor).updating(parameter, row, column), adafactor);
            }
            case SCHEDULE_FREE_ADAMW -> {
                var y = parameters();
                var z = parameters();
                var v = state();
                var adamw = new ScheduleFreeAdamW(y, parameters(), z, v, null, schedule(), normal(DType.FLOAT32, 1), 0.9f, 0.999f,
                        1e-8f, 0);
                measure(Work.streaming(adamw).updating(y, z, v), adamw);
            }
            case SCHEDULE_FREE_WEIGHT -> {
                var sums = zeros(DType.FLOAT64, 2);
                var weight = new ScheduleFreeWeight(schedule(), sums, zeros(DType.FLOAT32, 1), 0, 2);
                measure(Work.streaming(weight).updating(sums), weight);
            }
            case MUON_MOMENTUM -> {
                var buffer = state();
                var momentum = new MuonMomentum(parameters(), buffer, state(), null, 0.95f, 1e-7f, true);
                measure(Work.streaming(momentum).updating(buffer), momentum);
            }
            case MUON_UPDATE -> {
                var parameter = parameters();
                var update = new MuonUpdate(parameter, parameters(), schedule(), 0.2f, 0);
                measure(Work.streaming(update).updating(parameter), update);
            }
            case MATMUL -> {
                var wide = normal(DType.FLOAT32, SIDE / 4, SIDE);
                var gram = new MatMul(wide, wide, null, zeros(DType.FLOAT32, SIDE / 4, SIDE / 4), 1, 0, false, true);
                // The operand is there twice, and read once.
                measure(new Work(2.0 * (SIDE / 4) * (SIDE / 4) * SIDE,
                        wide.spec().bytes() + gram.c().spec().bytes()), gram);
            }
            case SUM_SQUARES -> stream(new SumSquares(parameters(), zeros(DType.FLOAT64, 1), false));
            case WEIGHTED_SUM -> stream(new WeightedSum(parameters(), parameters(), zeros(DType.FLOAT32, 1), false));
            case CLIP -> stream(new Clip(zeros(DType.FLOAT64, 1), zeros(DType.FLOAT32, 1), zeros(DType.FLOAT32, 1), 1));
            case DORA_SCALE -> {
                long rank = 16;
                var scale = new DoraScale(packed(square()), normal(DType.FLOAT32, rank, SIDE),
                        normal(DType.FLOAT32, SIDE, rank), normal(DType.FLOAT32, SIDE), zeros(DType.FLOAT32, SIDE),
                        zeros(DType.FLOAT32, SIDE), 2);
                measure(Work.of(2.0 * SIDE * SIDE * rank, scale), scale);
            }
            case DORA_SCALE_BACKWARD -> {
                var gradient = state();
                var backward = new DoraScaleBackward(parameters(), parameters(), gradient);
                measure(Work.streaming(backward).updating(gradient), backward);
            }
            case SAMPLE -> stream(new Sample(normal(DType.FLOAT32, LOGIT_ROWS, VOCABULARY), zeros(DType.INT32, LOGIT_ROWS),
                    null, zeros(DType.INT64, 2), 1, 0.9f, 50));
        }
    }

    private void stream(Kernel kernel) {
        measure(Work.streaming(kernel), kernel);
    }

    private void measure(Work work, Kernel kernel) {
        program = measured("run", work, kernel);
    }

    private Tensor parameters() {
        return normal(DType.FLOAT32, PARAMETERS);
    }

    private Tensor square() {
        return normal(DType.FLOAT32, SIDE, SIDE);
    }

    private Tensor state() {
        return zeros(DType.FLOAT32, PARAMETERS);
    }

    /** A learning rate, and the number of the step. */
    private Tensor schedule() {
        var schedule = zeros(DType.INT32, 2);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(8, 4);
            host.set(ValueLayout.JAVA_FLOAT, 0, 1e-4f);
            host.set(ValueLayout.JAVA_INT, 4, 1);
            device().write(host, schedule);
        }
        return schedule;
    }

    @Benchmark
    public void run() {
        submit(program);
    }
}
