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
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The CPU device with what kernels work on: normal random numbers, the same in each run. */
public class Operands implements AutoCloseable {
    private static final String WHERE = "bench";

    private final SplittableRandom random = new SplittableRandom(42);
    private final float[] numbers = new float[1 << 16];
    private final CpuDevice device = CpuDevice.open(Threads.count());
    private final Scope scope = new Scope(Scope.Kind.STEP, device);

    public Operands() {
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
    }

    public Device device() {
        return device;
    }

    @Override
    public void close() {
        scope.close();
        device.close();
    }

    /** A program of the kernels, with the scratch that they need. */
    public Program program(Kernel... kernels) {
        var instructions = Stream.of(kernels).map(kernel -> new Instruction(kernel, WHERE)).toList();
        long bytes = instructions.stream().mapToLong(device::scratchBytes).max().orElse(0);
        return device.compile(instructions, bytes == 0 ? null : scope.slab(bytes));
    }

    public void submit(Program program) {
        device.submit(program);
    }

    /** Zeros. */
    public Tensor zeros(DType dtype, long... dims) {
        return scope.allocate(TensorSpec.of(dtype, dims));
    }

    /** Normal numbers with deviation 1; large tensors repeat them, from another place each time. */
    public Tensor normal(DType dtype, long... dims) {
        return normal(1, dtype, dims);
    }

    /** A row-major weight of normal numbers whose products are about as large as what it is multiplied with. */
    public Tensor weight(DType dtype, long out, long in) {
        return normal((float) (1 / Math.sqrt(in)), dtype, out, in);
    }

    private Tensor normal(float deviation, DType dtype, long... dims) {
        var values = zeros(DType.FLOAT32, dims);
        long elements = values.shape().elements();
        int at = random.nextInt(numbers.length);
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(values.spec().bytes(), 4);
            var scaled = deviation == 1 ? numbers : scaled(deviation);
            for (long done = 0; done < elements; at = 0) {
                int count = (int) Math.min(elements - done, numbers.length - at);
                MemorySegment.copy(scaled, at, host, ValueLayout.JAVA_FLOAT, done * Float.BYTES, count);
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

    private float[] scaled(float factor) {
        var scaled = new float[numbers.length];
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = numbers[i] * factor;
        }
        return scaled;
    }

    /** A row-major weight [rows, columns] in the device's panels, of the same type. */
    public Matrix packed(Tensor weight) {
        long rows = weight.shape().dim(0);
        long columns = weight.shape().dim(1);
        var data = zeros(DType.UINT8, device.packedBytes(rows, columns, weight.dtype()));
        var matrix = new Matrix(rows, columns, Layout.PACKED, weight.dtype(), data);
        Eager.run(device, WHERE, new Pack(weight, matrix, false));
        return matrix;
    }

    /** A row-major weight [rows, columns] in the device's panels, stored so. */
    public Matrix packed(Tensor weight, WeightKind kind) {
        return copies(weight, kind, 1).getFirst();
    }

    /** The same several times, each in memory of its own: experts. */
    public List<Matrix> copies(Tensor weight, WeightKind kind, int count) {
        var quantized = kind == WeightKind.DENSE ? null : quantized(weight, kind);
        return IntStream.range(0, count).mapToObj(i -> quantized == null ? packed(weight) : packed(quantized)).toList();
    }

    /** A row-major weight quantized, row-major still. */
    public Matrix quantized(Tensor weight, WeightKind kind) {
        var matrix = quantizedTarget(weight.shape().dim(0), weight.shape().dim(1), kind.type);
        Eager.run(device, WHERE, new Quantize(weight, matrix, false));
        return kind.nested ? nested(matrix) : matrix;
    }

    /** What {@link Quantize} fills: no outliers, absmax in float32. */
    public Matrix quantizedTarget(long rows, long columns, QuantType type) {
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
    public Matrix packed(Matrix matrix) {
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
    public Tensor ints(int[] values, long... dims) {
        var tensor = zeros(DType.INT32, dims);
        device.write(MemorySegment.ofArray(values), tensor);
        return tensor;
    }

    /** Random int32 values in [0, bound). */
    public Tensor ints(int bound, long count) {
        return ints(random.ints(count, 0, bound).toArray(), count);
    }

    /** The tensor's elements as float32. */
    public float[] floats(Tensor tensor) {
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
