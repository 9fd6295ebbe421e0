package dev.sartor.backend.reference;

import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * Reads and writes the tensors of one instruction, after checking types and sizes. Arrays are
 * copies: a result is written only when all of it has been computed, so an output may be an input.
 */
final class Operands {
    private final Instruction instruction;

    Operands(Instruction instruction) {
        this.instruction = instruction;
    }

    /** An exception that names the layer and the kernel. */
    DeviceException failure(String message) {
        return new DeviceException(instruction.where() + ": " + instruction.kernel().name() + ": " + message);
    }

    void require(boolean condition, String message) {
        if (!condition) {
            throw failure(message);
        }
    }

    /** Rows of a tensor seen as [rows, width]. */
    int rows(String name, Tensor tensor, long width) {
        require(tensor != null, name + " is missing");
        require(width > 0 && tensor.shape().elements() % width == 0,
                name + " " + tensor.spec() + " is not a number of rows of " + width);
        return size(tensor.shape().elements() / width);
    }

    int size(long elements) {
        require(elements >= 0 && elements <= Integer.MAX_VALUE - 8,
                elements + " elements are too many for the reference device; use another");
        return (int) elements;
    }

    /** All elements as double. */
    double[] read(String name, Tensor tensor) {
        require(tensor != null, name + " is missing");
        requireFloat(name, tensor.dtype(), tensor);
        return read(segment(tensor), tensor.dtype(), size(tensor.shape().elements()));
    }

    /** All elements as double, of which there must be so many. */
    double[] read(String name, Tensor tensor, long elements) {
        requireElements(name, tensor, elements);
        return read(name, tensor);
    }

    /** As {@link #read(String, Tensor, long)}, or null where the tensor is absent. */
    double[] readOptional(String name, Tensor tensor, long elements) {
        return tensor == null ? null : read(name, tensor, elements);
    }

    /** The columns as a dense [rows, count]. */
    double[] read(String name, Columns columns) {
        var tensor = columns.matrix();
        requireFloat(name, tensor.dtype(), tensor);
        var memory = segment(tensor);
        int width = size(columns.count());
        var values = new double[size(columns.rows() * columns.count())];
        for (int i = 0; i < values.length; i++) {
            values[i] = Floats.get(memory, tensor.dtype(), i / width * columns.stride() + columns.first() + i % width);
        }
        return values;
    }

    /** A weight as row-major [rows, columns]. */
    double[] read(String name, Matrix matrix) {
        return readRows(name, matrix, 0, matrix.rows());
    }

    double[] readRows(String name, Matrix matrix, long firstRow, long count) {
        require(firstRow >= 0 && count >= 0 && firstRow + count <= matrix.rows(),
                "rows " + firstRow + " to " + (firstRow + count) + " are not in " + name + " of " + matrix.rows());
        if (matrix.isQuantized()) {
            return Quantizing.readRows(name, matrix, firstRow, size(count), this);
        }
        return read(segment(name, matrix).asSlice(firstRow * matrix.columns() * matrix.dtype().bytes()),
                matrix.dtype(), size(count * matrix.columns()));
    }

    int[] readInts(String name, Tensor tensor, long elements) {
        requireElements(name, tensor, elements);
        require(tensor.dtype() == DType.INT32, name + " is " + tensor.spec() + ", expected int32");
        return segment(tensor).toArray(ValueLayout.JAVA_INT_UNALIGNED);
    }

    /** Indices, each in [0, limit). */
    int[] readIndices(String name, Tensor tensor, long elements, long limit) {
        int[] indices = readInts(name, tensor, elements);
        for (int i = 0; i < indices.length; i++) {
            requireIndex(name, i, indices[i], limit);
        }
        return indices;
    }

    void requireIndex(String name, long position, long index, long limit) {
        require(index >= 0 && index < limit,
                name + "[" + position + "] is " + index + ", expected at least 0 and below " + limit);
    }

    /** The generator of a site; rng is (seed, step) as two 64-bit integers. */
    Philox generator(Tensor rng, long site) {
        require(rng != null && rng.spec().bytes() == 16, "rng must be two 64-bit integers: seed and step");
        var memory = segment(rng);
        return new Philox(
                memory.get(ValueLayout.JAVA_LONG_UNALIGNED, 0), memory.get(ValueLayout.JAVA_LONG_UNALIGNED, 8), site);
    }

    /** What inverted dropout multiplies each element by: 0, or 1 / (1 - probability). Null stands for all ones. */
    double[] dropoutFactors(Tensor rng, long site, double probability, int elements) {
        require(probability >= 0 && probability < 1, "dropout " + probability + " is not in [0, 1)");
        if (probability == 0) {
            return null;
        }
        var generator = generator(rng, site);
        var factors = new double[elements];
        for (int i = 0; i < elements; i++) {
            factors[i] = generator.uniform(i) < probability ? 0 : 1 / (1 - probability);
        }
        return factors;
    }

    /** What each element draws, in [0, 1). */
    double[] uniforms(Tensor rng, long site, int elements) {
        var generator = generator(rng, site);
        return IntStream.range(0, elements).mapToDouble(generator::uniform).toArray();
    }

    /** Writes, or with accumulate adds to what is there. Does nothing for an absent tensor. */
    void write(String name, Tensor tensor, double[] values, boolean accumulate) {
        if (tensor == null) {
            return;
        }
        requireElements(name, tensor, values.length);
        write(name, Columns.of(tensor.reshape(1, values.length)), values, accumulate);
    }

    void write(String name, Tensor tensor, double[] values) {
        write(name, tensor, values, false);
    }

    void writeInts(String name, Tensor tensor, int[] values) {
        requireElements(name, tensor, values.length);
        require(tensor.dtype() == DType.INT32, name + " is " + tensor.spec() + ", expected int32");
        segment(tensor).copyFrom(MemorySegment.ofArray(values));
    }

    /** Writes a dense [rows, count] into the columns. */
    void write(String name, Columns columns, double[] values, boolean accumulate) {
        var tensor = columns.matrix();
        requireFloat(name, tensor.dtype(), tensor);
        require(columns.rows() * columns.count() == values.length,
                name + " has " + columns.rows() * columns.count() + " elements, expected " + values.length);
        var memory = segment(tensor);
        int width = size(columns.count());
        for (int i = 0; i < values.length; i++) {
            long at = i / width * columns.stride() + columns.first() + i % width;
            double before = accumulate ? Floats.get(memory, tensor.dtype(), at) : 0;
            Floats.set(memory, tensor.dtype(), at, before + values[i]);
        }
    }

    /** Writes all elements; what is left of a packed weight's bytes becomes zero. */
    void write(String name, Matrix matrix, double[] values) {
        var memory = segment(name, matrix).fill((byte) 0);
        for (int i = 0; i < values.length; i++) {
            Floats.set(memory, matrix.dtype(), i, values[i]);
        }
    }

    void requireElements(String name, Tensor tensor, long elements) {
        require(tensor != null, name + " is missing");
        require(tensor.shape().elements() == elements, name + " is " + tensor.spec() + ", expected " + elements + " elements");
    }

    /** The memory of a tensor, without a view of what lies around it. */
    MemorySegment segment(Tensor tensor) {
        var storage = tensor.storage();
        return ((HostBuffer) storage.buffer()).memory().asSlice(storage.position() + tensor.offset(), tensor.spec().bytes());
    }

    private MemorySegment segment(String name, Matrix matrix) {
        requireFloat(name, matrix.dtype(), matrix.data());
        long bytes = matrix.rows() * matrix.columns() * matrix.dtype().bytes();
        long present = matrix.data().spec().bytes();
        require(matrix.layout() == Layout.PACKED ? present >= bytes : present == bytes,
                name + " [" + matrix.rows() + ", " + matrix.columns() + "] of " + matrix.dtype() + " takes " + bytes
                        + " bytes, but its data is " + matrix.data().spec());
        return segment(matrix.data());
    }

    private void requireFloat(String name, DType dtype, Tensor tensor) {
        require(dtype.isFloat(), name + " is " + tensor.spec() + ", expected a floating-point type");
    }

    private static double[] read(MemorySegment memory, DType dtype, int elements) {
        var values = new double[elements];
        for (int i = 0; i < elements; i++) {
            values[i] = Floats.get(memory, dtype, i);
        }
        return values;
    }
}
