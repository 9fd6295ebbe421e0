package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.device.Quantization;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Lays a row-major weight out in the device's panels. With transpose the source is [columns,
 * rows], and dense. A quantized source becomes a target of its own type, whose 4-bit scales are
 * written in the packed order and whose other scales are the source's, or dense float32 or bfloat16.
 */
public record Pack(Matrix source, Matrix packed, boolean transpose)
        implements Kernel {
    /** @param source a dense matrix, [rows, columns] or with transpose [columns, rows] */
    public Pack(Tensor source, Matrix packed, boolean transpose) {
        this(source == null ? null : Matrix.rowMajor(source), packed, transpose);
    }

    @Override
    public List<Tensor> reads() {
        var reads = new ArrayList<Tensor>(source.tensors());
        if (packed.isQuantized()) {
            reads.addAll(packed.quantization().tensors());
            reads.removeAll(writes());
        }
        return List.copyOf(reads);
    }

    @Override
    public List<Tensor> writes() {
        return packed.quantization() instanceof Quantization.FourBit codes
                ? Kernel.present(packed.data(), codes.absmax())
                : Kernel.present(packed.data());
    }

    @Override
    public Pack with(Substitution change) {
        return new Pack(change.of(source), change.of(packed), transpose);
    }
}
