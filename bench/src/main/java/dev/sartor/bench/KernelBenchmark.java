package dev.sartor.bench;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Instruction;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.Program;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.device.Quantization.FourBit;
import dev.sartor.device.Quantization.RowWise8;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
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
import org.openjdk.jmh.infra.IterationParams;

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
    private BenchmarkParams params;
    private String method;
    private Work work;
    private List<String> kernels;
    private Roofs roofs;
    private Beside beside;

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
        if (work != null) {
            roofs = new Roofs(DType.valueOf(params.getParamsKeys().contains("dtype") ? params.getParam("dtype") : "FLOAT32"));
        }
    }

    /** The roofs and the other side change with what else the machine does: they are taken in turn with the kernel. */
    @Setup(Level.Iteration)
    public void measureBeside(IterationParams iteration) {
        if (roofs != null) {
            roofs.measure();
        }
        if (beside != null) {
            beside.iterate(iteration.getTime().convertTo(TimeUnit.NANOSECONDS));
        }
    }

    /** What the work was, and the roofs beside it, are told to the report. */
    @TearDown(Level.Trial)
    public void close() {
        if (roofs != null) {
            WorkLog.write(params, work, kernels, roofs.medians(), beside);
            roofs.close();
        }
        scope.close();
        device.close();
    }

    protected Device device() {
        return device;
    }

    /**
     * The program that the benchmark of this name submits; if it is the one being run, this is its
     * work, and the roofs are measured beside it.
     */
    protected Program measured(String benchmark, Work work, Kernel... kernels) {
        if (benchmark.equals(method)) {
            this.work = work;
            this.kernels = Stream.of(kernels).map(Kernel::name).distinct().toList();
        }
        return program(kernels);
    }

    /**
     * What the benchmark of this name is held against, by turns.
     *
     * @param flops floating-point operations of a run of that side
     */
    protected void beside(String benchmark, double flops, Runnable side) {
        if (benchmark.equals(method)) {
            beside = new Beside(flops, side);
        }
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

    /** A row-major weight [rows, columns] in the device's panels, stored so. */
    protected Matrix packed(Tensor weight, WeightKind kind) {
        return kind == WeightKind.DENSE ? packed(weight) : packed(quantized(weight, kind));
    }

    /** A row-major weight quantized, row-major still. */
    protected Matrix quantized(Tensor weight, WeightKind kind) {
        var matrix = quantizedTarget(weight.shape().dim(0), weight.shape().dim(1), kind.type);
        Eager.run(device, WHERE, new Quantize(weight, matrix, false));
        return kind.nested ? nested(matrix) : matrix;
    }

    /** What {@link Quantize} fills: no outliers, absmax in float32. */
    protected Matrix quantizedTarget(long rows, long columns, QuantType type) {
        var codes = zeros(type.dtype(), type.rowMajorBytes(rows, columns));
        var absmax = zeros(DType.FLOAT32, type.rowMajorScales(rows, columns));
        return new Matrix(rows, columns, Layout.ROW_MAJOR, codes,
                type.isFourBit() ? new FourBit(type, absmax, null) : new RowWise8(absmax, null));
    }

    /** The same codes under other scales, in the form of doubly quantized ones: what they cost is of interest, not their values. */
    private Matrix nested(Matrix matrix) {
        var type = matrix.quantization().type();
        long blocks = type.rowMajorScales(matrix.rows(), matrix.columns());
        var scales = new Quantization.Nested(normal(DType.FLOAT32, Math.ceilDiv(blocks, QuantType.NESTED_BLOCK)),
                normal(DType.FLOAT32, 256), 1);
        return new Matrix(matrix.rows(), matrix.columns(), Layout.ROW_MAJOR, matrix.data(),
                new FourBit(type, zeros(DType.UINT8, blocks), scales));
    }

    /** A quantized row-major matrix in the device's panels. */
    protected Matrix packed(Matrix matrix) {
        var type = matrix.quantization().type();
        var codes = zeros(type.dtype(), device.packedBytes(matrix.rows(), matrix.columns(), type));
        var quantization = switch (matrix.quantization()) {
            case FourBit four -> new FourBit(type, zeros(four.absmax().dtype(),
                    device.packedScales(matrix.rows(), matrix.columns(), type)), four.nested());
            case RowWise8 rows -> rows;
        };
        var packed = new Matrix(matrix.rows(), matrix.columns(), Layout.PACKED, codes, quantization);
        Eager.run(device, WHERE, new Pack(matrix, packed, false));
        return packed;
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
