package dev.sartor.bench;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Instruction;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Pack;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Kernels on the CPU device, run as training runs them: a compiled program, submitted. Operands are
 * normal random numbers, the same in each run.
 */
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"})
public abstract class KernelBenchmark {
    private static final String WHERE = "bench";

    private final SplittableRandom random = new SplittableRandom(42);
    private final float[] numbers = new float[1 << 16];
    private CpuDevice device;
    private Scope scope;
    private String method;
    private BenchmarkParams params;

    /** Makes operands and programs. */
    protected abstract void prepare();

    @Setup(Level.Trial)
    public void open(BenchmarkParams params) {
        this.params = params;
        method = params.getBenchmark().substring(params.getBenchmark().lastIndexOf('.') + 1);
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        device = CpuDevice.open(Threads.count());
        scope = new Scope(Scope.Kind.STEP, device);
        prepare();
    }

    @TearDown(Level.Trial)
    public void close() {
        scope.close();
        device.close();
    }

    protected Device device() {
        return device;
    }

    /**
     * The program that the benchmark of this name submits; if it is the one being run, its work is
     * told to the report.
     */
    protected Program measured(String benchmark, Work work, Kernel... kernels) {
        if (benchmark.equals(method)) {
            WorkLog.write(params, work, Stream.of(kernels).map(Kernel::name).toList());
        }
        return program(kernels);
    }

    /** A program of the kernels, with the scratch that they need. */
    protected Program program(Kernel... kernels) {
        var instructions = Stream.of(kernels).map(kernel -> new Instruction(kernel, WHERE)).toList();
        long bytes = instructions.stream().mapToLong(device::scratchBytes).max().orElse(0);
        return device.compile(instructions, bytes == 0 ? null : scope.slab(bytes));
    }

    protected void submit(Program program) {
        device.submit(program);
    }

    /** Zeros. */
    protected Tensor zeros(DType dtype, long... dims) {
        return scope.allocate(TensorSpec.of(dtype, dims));
    }

    /** Normal numbers with deviation 1; large tensors repeat them, from another place each time. */
    protected Tensor normal(DType dtype, long... dims) {
        var values = zeros(DType.FLOAT32, dims);
        long elements = values.shape().elements();
        int at = random.nextInt(numbers.length);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(values.spec().bytes(), 4);
            for (long done = 0; done < elements; at = 0) {
                int count = (int) Math.min(elements - done, numbers.length - at);
                MemorySegment.copy(numbers, at, host, ValueLayout.JAVA_FLOAT, done * Float.BYTES, count);
                done += count;
            }
            device.write(host, values);
        }
        if (dtype == DType.FLOAT32) {
            return values;
        }
        var converted = zeros(dtype, dims);
        Eager.run(device, WHERE, new Convert(values, converted));
        return converted;
    }

    /** A row-major weight [rows, columns] in the device's panels, of the same type. */
    protected Matrix packed(Tensor weight) {
        long rows = weight.shape().dim(0);
        long columns = weight.shape().dim(1);
        var data = zeros(DType.UINT8, device.packedBytes(rows, columns, weight.dtype()));
        var matrix = new Matrix(rows, columns, Layout.PACKED, weight.dtype(), data);
        Eager.run(device, WHERE, new Pack(weight, matrix, false));
        return matrix;
    }

    /** int32 values. */
    protected Tensor ints(int[] values, long... dims) {
        var tensor = zeros(DType.INT32, dims);
        device.write(MemorySegment.ofArray(values), tensor);
        return tensor;
    }

    /** Random int32 values in [0, bound). */
    protected Tensor ints(int bound, long count) {
        return ints(random.ints(count, 0, bound).toArray(), count);
    }

    /** The tensor's elements as float32. */
    protected float[] floats(Tensor tensor) {
        if (tensor.dtype() == DType.FLOAT32) {
            return Eager.floats(device, tensor);
        }
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var values = temporary.allocate(new TensorSpec(DType.FLOAT32, tensor.shape()));
            Eager.run(device, WHERE, new Convert(tensor, values));
            return Eager.floats(device, values);
        }
    }
}
