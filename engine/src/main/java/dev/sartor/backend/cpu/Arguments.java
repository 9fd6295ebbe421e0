package dev.sartor.backend.cpu;

import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Checks the arguments of one instruction and turns tensors into addresses. Native kernels trust
 * what they are given, so whatever could lead them outside a tensor is refused here: sizes, types,
 * alignment, and outputs that lie over other arguments.
 *
 * <p>A shape is compared as its kernel sees it: [n] is any tensor of n elements, [rows, width] any
 * whose innermost dimension is width and whose others multiply to rows.
 */
final class Arguments {
    private final Instruction instruction;
    private final Addresses addresses;
    private final boolean placed;
    private final SegmentAllocator allocator;
    private final MemorySegment struct;
    private final List<Region> regions = new ArrayList<>();
    private String inPlaceOutput = "";
    private List<String> inPlaceInputs = List.of();

    /**
     * @param allocator of zeroed memory for the argument struct and what it points to beside tensors
     */
    Arguments(Instruction instruction, Addresses addresses, SegmentAllocator allocator) {
        this.instruction = instruction;
        this.addresses = addresses;
        this.placed = addresses != Addresses.UNPLACED;
        this.allocator = allocator;
        this.struct = allocator.allocate(Operation.of(instruction.kernel()).layout());
    }

    /** The argument struct, to be filled. */
    MemorySegment struct() {
        return struct;
    }

    DeviceException refusal(String argument, String expected, Object got) {
        return new DeviceException("%s: %s: expected %s, got %s"
                .formatted(describe(instruction), argument, expected, got));
    }

    static String describe(Instruction instruction) {
        return instruction.kernel().name() + " at " + instruction.where();
    }

    void require(boolean holds, String argument, String expected, Object got) {
        if (!holds) {
            throw refusal(argument, expected, got);
        }
    }

    // Sizes and types

    /** float32 or bfloat16: the types that activations are computed in. */
    DType computeType(String name, TensorSpec spec) {
        require(spec.dtype() == DType.FLOAT32 || spec.dtype() == DType.BFLOAT16, name, "float32 or bfloat16", spec);
        return spec.dtype();
    }

    DType computeType(String name, Tensor tensor) {
        return computeType(name, present(name, tensor).spec());
    }

    /** All dimensions but the innermost, multiplied; at least 1. */
    long rows(String name, Tensor tensor) {
        width(name, tensor);
        require(tensor.shape().rows() > 0, name, "at least one row", tensor.spec());
        return tensor.shape().rows();
    }

    /** The innermost dimension; at least 1. */
    long width(String name, Tensor tensor) {
        var shape = present(name, tensor).shape();
        require(shape.rank() > 0 && shape.last() > 0, name, "a matrix of at least one column", tensor.spec());
        return shape.last();
    }

    /** One dimension of a tensor that has two; at least 1. */
    long matrixDim(String name, Tensor tensor, int dimension) {
        var shape = present(name, tensor).shape();
        require(shape.rank() == 2 && shape.elements() > 0, name, "a matrix of at least one row and column", tensor.spec());
        return shape.dim(dimension);
    }

    /** All dimensions multiplied; at least 1. */
    long count(String name, Tensor tensor) {
        long count = present(name, tensor).shape().elements();
        require(count > 0, name, "at least one element", tensor.spec());
        return count;
    }

    int int32(String name, long value) {
        require(value <= Integer.MAX_VALUE, name, "at most " + Integer.MAX_VALUE, value);
        return (int) value;
    }

    float finite(String name, float value) {
        require(Float.isFinite(value), name, "a finite number", value);
        return value;
    }

    /** A finite number that is 0 or more. */
    float notNegative(String name, float value) {
        require(Float.isFinite(value) && value >= 0, name, "a finite number, 0 or more", value);
        return value;
    }

    /** A finite number above 0. */
    float positive(String name, float value) {
        require(Float.isFinite(value) && value > 0, name, "a finite number above 0", value);
        return value;
    }

    /** A number in [0, 1): a probability of dropping, or a decay rate. */
    float belowOne(String name, float value) {
        require(value >= 0 && value < 1, name, "a number in [0, 1)", value);
        return value;
    }

    static int flag(boolean value) {
        return value ? 1 : 0;
    }

    /** The element type's number in {@code enum sartor_dtype}. */
    int code(String name, DType dtype) {
        return switch (dtype) {
            case FLOAT32 -> sartor_h.SARTOR_FLOAT32();
            case BFLOAT16 -> sartor_h.SARTOR_BFLOAT16();
            case FLOAT16 -> sartor_h.SARTOR_FLOAT16();
            case INT32 -> sartor_h.SARTOR_INT32();
            case INT64 -> sartor_h.SARTOR_INT64();
            case UINT8 -> sartor_h.SARTOR_UINT8();
            case FLOAT64, INT8, INT16, BOOL -> throw refusal(name, "a type that kernels know", text(dtype));
        };
    }

    static int code(QuantType type) {
        return switch (type) {
            case NF4 -> sartor_h.SARTOR_NF4();
            case FP4 -> sartor_h.SARTOR_FP4();
            case INT8 -> sartor_h.SARTOR_INT8();
        };
    }

    // Pointers

    <T> T present(String name, T argument) {
        if (argument == null) {
            throw refusal(name, "a tensor", "none");
        }
        return argument;
    }

    MemorySegment in(String name, Tensor tensor, DType dtype, long... dims) {
        return pointer(name, present(name, tensor), false, dtype, dims);
    }

    /**
     * As {@link #in}, at any address: what lies in a mapped file keeps the file's alignment, and kernels
     * that read weights as files hold them load without assuming one.
     */
    MemorySegment inUnaligned(String name, Tensor tensor, DType dtype, long... dims) {
        fits(name, present(name, tensor), dtype, dims);
        return contiguous(name, tensor, false, 1);
    }

    /** As {@link #inUnaligned}, written. */
    MemorySegment outUnaligned(String name, Tensor tensor, DType dtype, long... dims) {
        fits(name, present(name, tensor), dtype, dims);
        return contiguous(name, tensor, true, 1);
    }

    MemorySegment out(String name, Tensor tensor, DType dtype, long... dims) {
        return pointer(name, present(name, tensor), true, dtype, dims);
    }

    MemorySegment inOrNull(String name, Tensor tensor, DType dtype, long... dims) {
        return tensor == null ? MemorySegment.NULL : in(name, tensor, dtype, dims);
    }

    MemorySegment outOrNull(String name, Tensor tensor, DType dtype, long... dims) {
        return tensor == null ? MemorySegment.NULL : out(name, tensor, dtype, dims);
    }

    /** {@code sartor_rng}: seed and step. */
    MemorySegment rng(Tensor tensor) {
        return in("rng", tensor, DType.INT64, 2);
    }

    /** A struct of 4-byte fields, held by a tensor of whatever type. */
    MemorySegment inBytes(String name, Tensor tensor, long bytes) {
        require(present(name, tensor).spec().bytes() == bytes, name, bytes + " bytes", tensor.spec());
        return contiguous(name, tensor, false, Integer.BYTES);
    }

    /** All bytes of a tensor of whatever type. */
    MemorySegment outBytes(String name, Tensor tensor) {
        return contiguous(name, present(name, tensor), true, 1);
    }

    /** Rows of adjacent elements, rows a stride apart. */
    MemorySegment in(String name, Columns columns, DType dtype, long rows, long count) {
        return pointer(name, columns, false, dtype, rows, count);
    }

    MemorySegment out(String name, Columns columns, DType dtype, long rows, long count) {
        return pointer(name, columns, true, dtype, rows, count);
    }

    /** A zeroed array that lives as long as the argument struct. */
    MemorySegment allocate(MemoryLayout element, long count) {
        return allocator.allocate(element, count);
    }

    /** The numbers in an array that lives as long as the argument struct. */
    MemorySegment ints(List<Integer> values) {
        return allocator.allocateFrom(ValueLayout.JAVA_INT, values.stream().mapToInt(value -> value).toArray());
    }

    /** Fills the struct of a weight that is read, of whatever type. */
    void weight(MemorySegment target, String name, Matrix matrix) {
        Matrices.read(target, name, matrix, this);
    }

    private MemorySegment pointer(String name, Tensor tensor, boolean written, DType dtype, long... dims) {
        fits(name, tensor, dtype, dims);
        return contiguous(name, tensor, written, dtype.bytes());
    }

    private void fits(String name, Tensor tensor, DType dtype, long... dims) {
        var shape = tensor.shape();
        boolean fits = dims.length == 1
                ? shape.elements() == dims[0]
                : shape.rank() > 0 && shape.last() == dims[dims.length - 1]
                        && shape.rows() == Arrays.stream(dims).limit(dims.length - 1).reduce(1, Math::multiplyExact);
        require(tensor.dtype() == dtype && fits, name, text(dtype) + Shape.of(dims), tensor.spec());
    }

    MemorySegment contiguous(String name, Tensor tensor, boolean written, long alignment) {
        long bytes = tensor.spec().bytes();
        require(bytes > 0, name, "at least one element", tensor.spec());
        return region(name, tensor, tensor.offset(), written, alignment, 1, bytes, bytes);
    }

    private MemorySegment pointer(
            String name, Columns columns, boolean written, DType dtype, long rows, long count) {
        var matrix = present(name, columns).matrix();
        require(columns.dtype() == dtype && columns.rows() == rows && columns.count() == count, name,
                text(dtype) + Shape.of(rows, count),
                text(columns.dtype()) + Shape.of(columns.rows(), columns.count()));
        require(rows > 0 && count > 0, name, "at least one row and column", matrix.spec());
        long element = dtype.bytes();
        return region(name, matrix, columns.offset(), written, element, rows, count * element, columns.stride() * element);
    }

    private MemorySegment region(
            String name, Tensor tensor, long offset, boolean written, long alignment, long rows, long width, long stride) {
        MemorySegment address;
        try {
            address = addresses.of(tensor.storage(), offset, (rows - 1) * stride + width, written);
        } catch (IllegalArgumentException unusable) {
            throw refusal(name, "usable memory", unusable.getMessage());
        }
        if (placed) {
            require(address.address() % alignment == 0, name, "an address that is a multiple of " + alignment,
                    "one that leaves " + address.address() % alignment);
            regions.add(new Region(name, written, address.address(), rows, width, stride));
        }
        return address;
    }

    // Outputs over other arguments

    /** Says that an output may be one of these inputs, exactly. */
    void mayBeInPlace(String output, String... inputs) {
        inPlaceOutput = output;
        inPlaceInputs = List.of(inputs);
    }

    /** Refuses outputs that lie over any other argument. */
    void noOverlap() {
        for (int i = 0; i < regions.size(); i++) {
            for (int j = i + 1; j < regions.size(); j++) {
                var a = regions.get(i);
                var b = regions.get(j);
                if ((a.written() || b.written()) && a.overlaps(b) && !inPlace(a, b) && !inPlace(b, a)) {
                    throw refusal(b.name(), "memory apart from " + a.name(), "memory that overlaps it");
                }
            }
        }
    }

    private boolean inPlace(Region output, Region input) {
        return output.name().equals(inPlaceOutput) && inPlaceInputs.contains(input.name()) && output.same(input);
    }

    static String text(DType dtype) {
        return dtype.name().toLowerCase(Locale.ROOT);
    }
}
