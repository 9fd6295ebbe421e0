package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Instruction;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Clip;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.SumSquares;
import dev.sartor.device.kernel.Zero;
import dev.sartor.optim.Optimizer;
import dev.sartor.optim.StepInputs;
import dev.sartor.optim.Trained;
import dev.sartor.tape.Scratch;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What follows the gradients: their norm first, so that a step that went wrong can still be refused,
 * then the optimizer with gradients clipped, and zeros for the next step.
 */
public final class UpdateProgram implements AutoCloseable {
    private final Device device;
    private final Map<Double, Tensor> schedules = new LinkedHashMap<>();
    private final List<Program> programs = new ArrayList<>();
    private final Tensor norm;
    private final Program measure;
    private final Program update;
    private final Program zero;
    private final Optional<Averaging> averaging;

    /** The two ways between what is trained and what is evaluated, where they differ. */
    private static final class Averaging {
        private final Program average;
        private final Program restore;
        private boolean averaged;

        Averaging(Program average, Program restore) {
            this.average = average;
            this.restore = restore;
        }
    }

    /**
     * @param state owns what it allocates
     * @param maxGradNorm bound of the gradients' norm; 0 for none
     */
    public UpdateProgram(Device device, Scope state, Optimizer optimizer, List<Trained> trained, float maxGradNorm) {
        this.device = device;
        Stream.concat(Stream.of(1.0), trained.stream().map(Trained::rate)).forEach(rate ->
                schedules.computeIfAbsent(rate, each -> state.allocate(TensorSpec.of(DType.INT32, 2))));
        norm = state.allocate(TensorSpec.of(DType.FLOAT32, 1));
        var squares = state.allocate(TensorSpec.of(DType.FLOAT64, 1));
        var coefficient = state.allocate(TensorSpec.of(DType.FLOAT32, 1));
        var measuring = new ArrayList<Kernel>();
        for (var each : trained) {
            measuring.add(new SumSquares(each.gradient(), squares, !measuring.isEmpty()));
        }
        measuring.add(new Clip(squares, norm, coefficient, maxGradNorm));
        var updating = optimizer.step(new StepInputs(schedules, coefficient));
        var zeroing = trained.stream().<Kernel>map(each -> new Zero(each.gradient())).toList();
        var first = instructions(measuring);
        var second = instructions(updating);
        long bytes = Math.max(Scratch.bytes(first, device), Scratch.bytes(second, device));
        Buffer scratch = bytes == 0 ? null : state.slab(bytes);
        try {
            measure = compile(first, scratch);
            update = compile(second, scratch);
            zero = compile(instructions(zeroing), null);
            averaging = averaging(optimizer, trained);
            var starting = optimizer.start();
            if (!starting.isEmpty()) {
                Eager.run(device, "update", starting.toArray(Kernel[]::new));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private Program compile(List<Instruction> instructions, Buffer scratch) {
        var program = device.compile(instructions, scratch);
        programs.add(program);
        return program;
    }

    /** Between steps gradients are zero, and their memory keeps the values that training goes on with. */
    private Optional<Averaging> averaging(Optimizer optimizer, List<Trained> trained) {
        var change = optimizer.average();
        if (change.isEmpty()) {
            return Optional.empty();
        }
        var average = new ArrayList<Kernel>();
        trained.forEach(each -> average.add(new Convert(each.value(), each.gradient())));
        average.addAll(change);
        var restore = new ArrayList<Kernel>();
        for (var each : trained) {
            restore.add(new Convert(each.gradient(), each.value()));
            restore.add(new Zero(each.gradient()));
        }
        return Optional.of(new Averaging(compile(instructions(average), null), compile(instructions(restore), null)));
    }

    /** Puts into the parameters what is to be evaluated and saved, until {@link #train}. */
    public void average() {
        averaging.filter(each -> !each.averaged).ifPresent(each -> {
            device.submit(each.average);
            each.averaged = true;
        });
    }

    /** Puts the values that are trained back into the parameters, bit for bit; gradients are zero then. */
    public void train() {
        averaging.filter(each -> each.averaged).ifPresent(each -> {
            device.submit(each.restore);
            each.averaged = false;
        });
    }

    /** Where the value that is trained lies now. */
    public Tensor trainedValue(Trained trained) {
        return averaging.isPresent() && averaging.get().averaged ? trained.gradient() : trained.value();
    }

    /** The norm of all gradients together, before clipping. */
    public double gradientNorm() {
        device.submit(measure);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(ValueLayout.JAVA_FLOAT);
            device.read(norm, host);
            return host.get(ValueLayout.JAVA_FLOAT, 0);
        }
    }

    /**
     * Takes the step that {@link #gradientNorm} measured, and zeroes the gradients.
     *
     * @param step from 1
     */
    public void step(double learningRate, int step) {
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(8, 4);
            schedules.forEach((rate, schedule) -> {
                host.set(ValueLayout.JAVA_FLOAT, 0, (float) (learningRate * rate));
                host.set(ValueLayout.JAVA_INT, 4, step);
                device.write(host, schedule);
            });
            device.submit(update);
        }
        forget();
    }

    /** Zeroes the gradients without a step. */
    public void forget() {
        device.submit(zero);
    }

    private static List<Instruction> instructions(List<Kernel> kernels) {
        return kernels.stream().map(kernel -> new Instruction(kernel, "update")).toList();
    }

    @Override
    public void close() {
        programs.forEach(Program::close);
    }
}
