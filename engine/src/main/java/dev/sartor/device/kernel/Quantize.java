package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.device.Quantization;
import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Codes, scales and outliers' values of a dense row-major weight [rows, columns], or with transpose
 * [columns, rows]. The target is row-major, its absmax float32; which columns are outliers is read.
 * Bit for bit as bitsandbytes defines it.
 */
public record Quantize(Tensor source, Matrix target, boolean transpose)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return target.quantization() instanceof Quantization.RowWise8 rows && rows.outliers() != null
                ? Kernel.present(source, rows.outliers().columns())
                : Kernel.present(source);
    }

    @Override
    public List<Tensor> writes() {
        return switch (target.quantization()) {
            case Quantization.FourBit codes -> Kernel.present(target.data(), codes.absmax());
            case Quantization.RowWise8 rows -> Kernel.present(
                    target.data(), rows.scale(), rows.outliers() == null ? null : rows.outliers().values());
            case null -> Kernel.present(target.data());
        };
    }

    @Override
    public Quantize with(Substitution change) {
        return new Quantize(change.of(source), change.of(target), transpose);
    }
}
