package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.Floats;
import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Pack;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * Tensors for one kernel call on one device. Each lies between guards; what a kernel writes starts
 * as garbage. Values come from a fixed seed in the order of the calls, so the same recipe makes the
 * same inputs on every device.
 */
final class Fixture implements AutoCloseable {
    private static final byte GUARD = (byte) 0xA5;
    private static final int GUARD_BYTES = (int) Memory.ALIGNMENT;

    private final Device device;
    private final byte garbage;
    private final Scope scope;
    private final Random random = new Random(20260214);
    private final List<Placed> placed = new ArrayList<>();

    private record Placed(String name, Tensor tensor, Tensor whole, boolean written, byte[] before) {}

    /** @param garbage byte that outputs and scratch hold at first */
    Fixture(Device device, byte garbage) {
        this.device = device;
        this.garbage = garbage;
        this.scope = new Scope(Scope.Kind.STEP, device);
    }

    /** An input with values of a standard normal distribution. */
    Tensor random(DType dtype, long... dims) {
        return tensor("input", dtype, random::nextGaussian, false, dims);
    }

    /** An input of float values, in the order of memory. */
    Tensor values(DType dtype, double[] values, long... dims) {
        var iterator = Arrays.stream(values).iterator();
        return tensor("input", dtype, iterator::nextDouble, false, dims);
    }

    Tensor ints(int[] values, long... dims) {
        return place("input", TensorSpec.of(DType.INT32, dims), MemorySegment.ofArray(values), false);
    }

    Tensor longs(long... values) {
        return place("input", TensorSpec.of(DType.INT64, values.length), MemorySegment.ofArray(values), false);
    }

    /** Bytes of these values. */
    Tensor bytes(int[] values, long... dims) {
        var bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return place("input", TensorSpec.of(DType.UINT8, dims), MemorySegment.ofArray(bytes), false);
    }

    /** Values of a normal distribution of that standard deviation. */
    double[] gaussians(int count, double deviation) {
        return DoubleStream.generate(random::nextGaussian).map(x -> x * deviation).limit(count).toArray();
    }

    Device device() {
        return device;
    }

    /** Indices drawn from [0, limit). */
    int[] randomInts(int count, int limit) {
        return random.ints(count, 0, limit).toArray();
    }

    /** Something that the kernel writes; garbage before. */
    Tensor output(String name, DType dtype, long... dims) {
        var spec = TensorSpec.of(dtype, dims);
        var bytes = new byte[Math.toIntExact(spec.bytes())];
        Arrays.fill(bytes, garbage);
        return place(name, spec, MemorySegment.ofArray(bytes), true);
    }

    /** Something that the kernel changes: adds to, or updates. */
    Tensor changed(String name, DType dtype, long... dims) {
        return tensor(name, dtype, random::nextGaussian, true, dims);
    }

    Tensor changed(String name, DType dtype, double[] values, long... dims) {
        var iterator = Arrays.stream(values).iterator();
        return tensor(name, dtype, iterator::nextDouble, true, dims);
    }

    /** Bytes that the kernel changes. */
    Tensor changed(String name, byte[] values) {
        return place(name, TensorSpec.of(DType.UINT8, values.length), MemorySegment.ofArray(values), true);
    }

    /** Bytes in no order. */
    byte[] randomBytes(int count) {
        var bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    /** A step's learning rate and number. */
    Tensor schedule(float learningRate, int step) {
        return ints(new int[] {Float.floatToRawIntBits(learningRate), step}, 2);
    }

    /** What a gradient of an activation is written or added to. */
    Tensor target(String name, boolean accumulate, DType dtype, long... dims) {
        return accumulate ? changed(name, dtype, dims) : output(name, dtype, dims);
    }

    /** A weight with values of size 1 / sqrt(columns), so that products are of size 1. */
    Matrix weight(Layout layout, DType dtype, long rows, long columns) {
        double scale = 1 / Math.sqrt(columns);
        var source = tensor("weight", dtype, () -> random.nextGaussian() * scale, false, rows, columns);
        return layout == Layout.ROW_MAJOR ? Matrix.rowMajor(source) : packed(source, dtype, rows, columns, false);
    }

    /** Packs on the device. */
    Matrix packed(Tensor source, DType dtype, long rows, long columns, boolean transpose) {
        return packed(Matrix.rowMajor(source), dtype, rows, columns, transpose);
    }

    /** A row-major matrix, dense or not, in dense panels. */
    Matrix dense(Matrix source, DType dtype) {
        return packed(source, dtype, source.rows(), source.columns(), false);
    }

    private Matrix packed(Matrix source, DType dtype, long rows, long columns, boolean transpose) {
        var panels = scope.allocate(TensorSpec.of(DType.UINT8, device.packedBytes(rows, columns, dtype)));
        var matrix = new Matrix(rows, columns, Layout.PACKED, dtype, panels);
        submit(new Pack(source, matrix, transpose), "packing");
        return matrix;
    }

    Tensor rng(long seed, long step) {
        return longs(seed, step);
    }

    /** What was made so far, and perhaps written by kernels submitted, is input from now on. */
    void settle() {
        placed.replaceAll(place -> new Placed(place.name, place.tensor, place.whole, false, bytes(place.whole)));
    }

    /** Runs a kernel whose results the test looks at through others that follow. */
    void submit(Kernel kernel, String where) {
        var instruction = new Instruction(kernel, where);
        long needed = device.scratchBytes(instruction);
        assertTrue(needed >= 0, "scratch of " + needed + " bytes for " + kernel.name());
        // More than it asked for, to see that it keeps to what it asked for.
        long guarded = Memory.align(needed) + GUARD_BYTES;
        var scratch = needed == 0 ? null : scope.slab(guarded);
        Tensor whole = null;
        if (scratch != null) {
            var storage = new Storage(guarded);
            storage.place(scratch, 0);
            whole = new Tensor(TensorSpec.of(DType.UINT8, guarded), storage, 0);
            var bytes = new byte[Math.toIntExact(guarded)];
            Arrays.fill(bytes, garbage);
            Arrays.fill(bytes, Math.toIntExact(needed), bytes.length, GUARD);
            device.write(MemorySegment.ofArray(bytes), whole);
        }
        try (var program = device.compile(List.of(instruction), scratch)) {
            device.submit(program);
        }
        if (whole != null) {
            var after = bytes(whole);
            for (int i = Math.toIntExact(needed); i < after.length; i++) {
                assertTrue(after[i] == GUARD, kernel.name() + " wrote byte " + i + " of scratch, having asked for " + needed);
            }
        }
    }

    /**
     * Runs the kernel, and looks at everything it was given: guards and inputs are unchanged, and it
     * declares what it reads and writes.
     *
     * @return what it wrote, in the order in which the tensors were made
     */
    List<Written> run(Kernel kernel) {
        submit(kernel, "contract");
        var written = new ArrayList<Written>();
        var writes = kernel.writes().stream().map(Tensor::storage).toList();
        var reads = kernel.reads().stream().map(Tensor::storage).toList();
        for (var place : placed) {
            String what = kernel.name() + ": " + place.name + " " + place.tensor.spec();
            byte[] after = bytes(place.whole);
            int end = GUARD_BYTES + Math.toIntExact(place.tensor.spec().bytes());
            assertGuard(what + ": bytes before it changed", after, 0, GUARD_BYTES);
            assertGuard(what + ": bytes after it changed", after, end, after.length);
            if (place.written) {
                assertTrue(writes.contains(place.tensor.storage()), what + " is not among what the kernel says it writes");
                written.add(new Written(place.name, place.tensor.spec(), Arrays.copyOfRange(after, GUARD_BYTES, end)));
            } else {
                assertArrayEquals(place.before, after, what + ": an input changed");
            }
        }
        Stream.concat(writes.stream(), reads.stream())
                .forEach(storage -> assertTrue(storage.isPlaced(), kernel.name() + " names a tensor that has no place"));
        return written;
    }

    /** Contents of a tensor. */
    byte[] bytes(Tensor tensor) {
        var bytes = new byte[Math.toIntExact(tensor.spec().bytes())];
        device.read(tensor, MemorySegment.ofArray(bytes));
        return bytes;
    }

    @Override
    public void close() {
        scope.close();
    }

    private Tensor tensor(String name, DType dtype, DoubleSupplier values, boolean written, long... dims) {
        var spec = TensorSpec.of(dtype, dims);
        var memory = MemorySegment.ofArray(new byte[Math.toIntExact(spec.bytes())]);
        for (long i = 0; i < spec.shape().elements(); i++) {
            Floats.set(memory, dtype, i, values.getAsDouble());
        }
        return place(name, spec, memory, written);
    }

    private Tensor place(String name, TensorSpec spec, MemorySegment contents, boolean written) {
        long bytes = 2L * GUARD_BYTES + Memory.align(spec.bytes());
        var storage = new Storage(bytes);
        storage.place(scope.slab(bytes), 0);
        var whole = new Tensor(TensorSpec.of(DType.UINT8, bytes), storage, 0);
        var before = MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]);
        before.fill(GUARD);
        before.asSlice(GUARD_BYTES, spec.bytes()).copyFrom(contents);
        device.write(before, whole);
        var tensor = new Tensor(spec, storage, GUARD_BYTES);
        placed.add(new Placed(name, tensor, whole, written, before.toArray(ValueLayout.JAVA_BYTE)));
        return tensor;
    }

    private static void assertGuard(String message, byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != GUARD) {
                throw new AssertionError(message + ", the first at " + i);
            }
        }
    }
}
