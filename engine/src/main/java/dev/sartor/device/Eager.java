package dev.sartor.device;

import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;

/** Runs kernels at once, outside any plan: for loading, initializing and merging. */
public final class Eager {
    private static final long BLOCK_ELEMENTS = 1 << 18;

    private Eager() {}

    /**
     * Runs the kernels in order.
     *
     * @param where what they work for, in messages
     */
    public static void run(Device device, String where, Kernel... kernels) {
        var instructions = Stream.of(kernels).map(kernel -> new Instruction(kernel, where)).toList();
        run(device, instructions);
    }

    private static void run(Device device, List<Instruction> instructions) {
        if (!device.hasValues()) {
            return;
        }
        long bytes = instructions.stream().mapToLong(device::scratchBytes).max().orElse(0);
        try (var temporary = new Scope(Scope.Kind.STEP, device);
                var program = device.compile(instructions, bytes == 0 ? null : temporary.slab(bytes))) {
            device.submit(program);
        }
    }

    /** A tensor over memory that the device did not allocate; it is only read. */
    public static Tensor wrap(Device device, TensorSpec spec, MemorySegment data) {
        var storage = new Storage(spec.bytes());
        storage.place(device.wrap(data), 0);
        return new Tensor(spec, storage, 0);
    }

    /** A float32 matrix [rows, columns] in the device's panels, of a float matrix that lies there so, or turned. */
    public static Matrix pack(Device device, Scope scope, String where, Tensor source, long rows, long columns, boolean transpose) {
        var data = scope.allocate(TensorSpec.of(DType.UINT8, device.packedBytes(rows, columns, DType.FLOAT32)));
        var matrix = new Matrix(rows, columns, Layout.PACKED, DType.FLOAT32, data);
        run(device, where, new Pack(source, matrix, transpose));
        return matrix;
    }

    /** A float32 tensor's elements, row-major. */
    public static float[] floats(Device device, Tensor tensor) {
        if (tensor.dtype() != DType.FLOAT32) {
            throw new IllegalArgumentException("expected float32, found " + tensor.spec());
        }
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(tensor.spec().bytes(), 4);
            device.read(tensor, host);
            return host.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /**
     * How many rows' values to take into Java arrays at a time: arrays of a megabyte are gone with the next collection of
     * the young generation, where larger ones would make the heap grow for good.
     */
    public static long blockRows(long rows, long columns) {
        return Math.clamp(BLOCK_ELEMENTS / Math.max(1, columns), 1, Math.max(1, rows));
    }

    /** Rows [first, first + count) of a weight, however stored, as float32. */
    public static float[] rows(Device device, String where, Matrix weight, long first, long count) {
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var rows = temporary.allocate(TensorSpec.of(DType.FLOAT32, count, weight.columns()));
            run(device, where, new Unpack(weight, rows, first));
            return floats(device, rows);
        }
    }
}
