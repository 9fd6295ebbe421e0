package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.BFLOAT16;
import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT32;
import static dev.sartor.tensor.DType.UINT8;

import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_scales;
import dev.sartor.bindings.cpu.sartor_weight;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/** Checks weight matrices, dense and quantized, and fills {@code sartor_weight}. */
final class Matrices {
    private Matrices() {}

    /** Fills the struct of a weight that is read. */
    static void read(MemorySegment target, String name, Matrix matrix, Arguments a) {
        fill(target, name, matrix, false, a);
    }

    /** Fills the struct of a packed weight whose data, and of 4 bit whose absmax, are written. */
    static void written(MemorySegment target, String name, Matrix matrix, Arguments a) {
        fill(target, name, matrix, true, a);
    }

    private static void fill(MemorySegment target, String name, Matrix matrix, boolean written, Arguments a) {
        sartor_weight.data(target, data(name, a.present(name, matrix), written, a));
        sartor_weight.rows(target, matrix.rows());
        sartor_weight.columns(target, matrix.columns());
        sartor_weight.layout(target, switch (matrix.layout()) {
            case ROW_MAJOR -> sartor_h.SARTOR_ROW_MAJOR();
            case PACKED -> sartor_h.SARTOR_PACKED();
        });
        sartor_weight.dtype(target, code(name, matrix, a));
        var scales = sartor_weight.scales(target);
        switch (matrix.quantization()) {
            case null -> {}
            case Quantization.FourBit codes -> fourBit(scales, name, matrix, codes, written, a);
            case Quantization.RowWise8 codes -> rowWise(scales, name, matrix, codes, a);
        }
    }

    private static void fourBit(
            MemorySegment target, String name, Matrix matrix, Quantization.FourBit codes, boolean written, Arguments a) {
        long blocks = codes.type().rowMajorScales(matrix.rows(), matrix.columns());
        boolean packed = matrix.layout() == Layout.PACKED;
        long entries = packed
                ? sartor_h.sartor_packed_scales(matrix.rows(), matrix.columns(), Arguments.code(codes.type()))
                : blocks;
        var nested = codes.nested();
        var dtype = nested == null ? FLOAT32 : UINT8;
        String absmax = name + ".absmax";
        sartor_scales.absmax(target, written ? a.out(absmax, codes.absmax(), dtype, entries)
                : packed ? a.in(absmax, codes.absmax(), dtype, entries)
                : a.inUnaligned(absmax, codes.absmax(), dtype, entries));
        if (nested != null) {
            sartor_scales.nested_absmax(target, a.inUnaligned(name + ".nested.absmax", nested.absmax(), FLOAT32,
                    Math.ceilDiv(blocks, QuantType.NESTED_BLOCK)));
            sartor_scales.nested_map(target, a.inUnaligned(name + ".nested.map", nested.map(), FLOAT32, 256));
            sartor_scales.nested_offset(target, a.finite(name + ".nested.offset", nested.offset()));
        }
        if (packed) {
            long group = Math.min(QuantType.BLOCK, Long.lowestOneBit(matrix.columns()));
            sartor_scales.group(target, (int) group);
        }
    }

    private static void rowWise(
            MemorySegment target, String name, Matrix matrix, Quantization.RowWise8 codes, Arguments a) {
        sartor_scales.absmax(target, a.inUnaligned(name + ".scale", codes.scale(), FLOAT32, matrix.rows()));
        if (codes.outliers() != null) {
            String outliers = name + ".outliers";
            long count = a.count(outliers + ".columns", codes.outliers().columns());
            sartor_scales.outlier_columns(target, a.in(outliers + ".columns", codes.outliers().columns(), INT32, count));
            sartor_scales.outliers(target, a.in(outliers + ".values", codes.outliers().values(), BFLOAT16, count, matrix.rows()));
            sartor_scales.outlier_count(target, count);
        }
    }

    /** The elements or codes. */
    static MemorySegment data(String name, Matrix matrix, boolean written, Arguments a) {
        a.require(matrix.rows() > 0 && matrix.columns() > 0, name, "at least one row and column", text(matrix));
        String data = name + ".data";
        a.present(data, matrix.data());
        return switch (matrix.layout()) {
            case ROW_MAJOR -> matrix.isQuantized() ? codes(data, matrix, written, a) : elements(name, data, matrix, a);
            case PACKED -> {
                long bytes = packedBytes(name, matrix, a);
                a.require(matrix.data().spec().bytes() == bytes, data, bytes + " bytes for " + text(matrix),
                        matrix.data().spec());
                yield a.contiguous(data, matrix.data(), written, Memory.ALIGNMENT);
            }
        };
    }

    private static MemorySegment elements(String name, String data, Matrix matrix, Arguments a) {
        a.require(matrix.dtype() == FLOAT32 || matrix.dtype() == BFLOAT16 || matrix.dtype() == DType.FLOAT16, name,
                "float32, bfloat16 or float16", text(matrix));
        return a.inUnaligned(data, matrix.data(), matrix.dtype(), matrix.rows(), matrix.columns());
    }

    private static MemorySegment codes(String data, Matrix matrix, boolean written, Arguments a) {
        long bytes = matrix.quantization().type().rowMajorBytes(matrix.rows(), matrix.columns());
        return written
                ? a.outUnaligned(data, matrix.data(), matrix.dtype(), bytes)
                : a.inUnaligned(data, matrix.data(), matrix.dtype(), bytes);
    }

    private static long packedBytes(String name, Matrix matrix, Arguments a) {
        long bytes = sartor_h.sartor_packed_bytes(matrix.rows(), matrix.columns(), code(name, matrix, a));
        a.require(bytes > 0, name, "float32 or bfloat16, of a size that can be packed", text(matrix));
        return bytes;
    }

    private static int code(String name, Matrix matrix, Arguments a) {
        return matrix.isQuantized() ? Arguments.code(matrix.quantization().type()) : a.code(name, matrix.dtype());
    }

    static boolean isNested(Matrix matrix) {
        return matrix.quantization() instanceof Quantization.FourBit codes && codes.nested() != null;
    }

    /** Such as {@code packed NF4[64, 128]}. */
    static String text(Matrix matrix) {
        return matrix.layout().name().toLowerCase(Locale.ROOT).replace('_', '-') + " "
                + (matrix.isQuantized() ? matrix.quantization().type() + (isNested(matrix) ? " (nested)" : "")
                        : Arguments.text(matrix.dtype()))
                + Shape.of(matrix.rows(), matrix.columns());
    }
}
