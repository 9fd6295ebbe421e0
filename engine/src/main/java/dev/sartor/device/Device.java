package dev.sartor.device;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * The seam between the engine and a kind of hardware. Kernels are data ({@link
 * dev.sartor.device.kernel.Kernel}); a device makes programs of them and runs them in order.
 */
public interface Device extends Memory, AutoCloseable {
    /** Such as {@code cpu} or {@code reference}. */
    String name();

    /** One line for people: hardware, instruction set, threads. */
    String description();

    /** Whether tensors have values; false where a run is only laid out, so that nothing need be computed for them. */
    default boolean hasValues() {
        return true;
    }

    /** Copies from host memory; sizes must be equal. Returns when done. */
    void write(MemorySegment from, Tensor to);

    /** Copies to host memory; sizes must be equal. Returns when done. */
    void read(Tensor from, MemorySegment to);

    /** Makes host memory (a mapped file) readable by kernels without a copy, where the device can. */
    Buffer wrap(MemorySegment memory);

    /** As {@link #wrap}, but kernels may write to it too. */
    Buffer wrapWritable(MemorySegment memory);

    /**
     * Zeroed memory in a new file of a directory, mapped, for what need not be resident all the time.
     *
     * @param bytes of all allocations, each rounded up to {@link Memory#ALIGNMENT}; more than zero
     * @throws IOException if there is no such directory, or no room in it
     */
    default FileMemory onFile(Path directory, long bytes) throws IOException {
        return new MappedFile(this, directory, bytes);
    }

    /**
     * Packed matrices are panels of so many rows, one behind the other, on every device: rows from a multiple of it on
     * are a packed matrix themselves, and as many elements of a matrix are whole blocks of its 4-bit scales.
     */
    long PANEL_ROWS = 64;

    /** Bytes of a packed weight matrix [rows, columns]. */
    long packedBytes(long rows, long columns, DType dtype);

    /** Bytes of the codes of a packed quantized matrix. */
    long packedBytes(long rows, long columns, QuantType type);

    /** Elements of the absmax of a packed quantized matrix, whether they are float32 or uint8. */
    long packedScales(long rows, long columns, QuantType type);

    /** Scratch that the instruction needs while it runs. Its tensors need no places yet. */
    long scratchBytes(Instruction instruction);

    /**
     * Makes a program of instructions whose storages have been placed.
     *
     * @param scratch as large as the largest need, or null where that is zero
     */
    Program compile(List<Instruction> instructions, Buffer scratch);

    /**
     * Runs a program of this device to its end.
     *
     * @throws DeviceException naming the instruction that failed; those after it did not run
     */
    void submit(Program program);

    @Override
    void close();
}
