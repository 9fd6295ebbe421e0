package dev.sartor.backend.reference;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Quantized weights as bitsandbytes defines them, in plain loops: the decision trees of its CUDA
 * kernels (csrc/kernels.cu), and for int8 its int8_vectorwise_quant. This device's packed codes and
 * scales are the row-major ones.
 */
final class Quantizing {
    private static final float[] NF4 = {
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
        -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
        0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f
    };
    /** Sign, then 0, 0.0625, 8, 12, 4, 6, 2, 3, over 12. */
    private static final float[] FP4_MAGNITUDES = {
        0.0f, 0.005208333333f, 0.66666667f, 1.0f, 0.33333333f, 0.5f, 0.16666667f, 0.25f
    };

    private Quantizing() {}

    static void quantize(Quantize k, Operands use) {
        var target = k.target();
        use.require(target.layout() == Layout.ROW_MAJOR && target.isQuantized(), "the target must be row-major and quantized");
        int rows = use.size(target.rows());
        int columns = use.size(target.columns());
        double[] source = use.read("source", k.source(), target.rows() * target.columns());
        var x = new float[source.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (k.transpose() ? source[i % columns * rows + i / columns] : source[i]);
            use.require(Float.isFinite(x[i]),
                    "element [" + i / columns + ", " + i % columns + "] of the weight is NaN or infinite");
        }
        switch (target.quantization()) {
            case Quantization.FourBit codes -> fourBit(x, target, codes, use);
            case Quantization.RowWise8 codes -> rowWise(x, rows, columns, target, codes, use);
        }
    }

    private static void fourBit(float[] x, Matrix target, Quantization.FourBit codes, Operands use) {
        use.require(codes.nested() == null, "the target's absmax must be float32");
        var out = use.segment(target.data());
        var absmax = new double[Math.ceilDiv(x.length, QuantType.BLOCK)];
        for (int block = 0; block < absmax.length; block++) {
            int first = block * QuantType.BLOCK;
            int end = Math.min(first + QuantType.BLOCK, x.length);
            float most = 0;
            for (int i = first; i < end; i++) {
                most = Math.max(most, Math.abs(x[i]));
            }
            absmax[block] = most;
            float inverse = 1.0f / Math.max(most, 1e-38f);
            for (int i = first; i < end; i += 2) {
                int high = code(codes.type(), x[i] * inverse);
                int low = code(codes.type(), i + 1 < end ? x[i + 1] * inverse : 0);
                out.set(ValueLayout.JAVA_BYTE, i / 2, (byte) (high << 4 | low));
            }
        }
        use.write("absmax", codes.absmax(), absmax);
    }

    private static int code(QuantType type, float x) {
        return type == QuantType.NF4 ? nf4(x) : fp4(x);
    }

    private static int nf4(float x) {
        if (x > 0.03979014977812767f) {
            if (x > 0.3893125355243683f) {
                if (x > 0.6427869200706482f) {
                    return x > 0.8614784181118011f ? 15 : 14;
                }
                return x > 0.5016634166240692f ? 13 : 12;
            }
            if (x > 0.2035212516784668f) {
                return x > 0.2920137718319893f ? 11 : 10;
            }
            return x > 0.1202552504837513f ? 9 : 8;
        }
        if (x > -0.33967943489551544f) {
            if (x > -0.13791173323988914f) {
                return x > -0.045525018125772476f ? 7 : 6;
            }
            return x > -0.23460740596055984f ? 5 : 4;
        }
        if (x > -0.6106329262256622f) {
            return x > -0.4599952697753906f ? 3 : 2;
        }
        return x > -0.8480964004993439f ? 1 : 0;
    }

    private static int fp4(float value) {
        int sign = value < 0 ? 8 : 0;
        float x = Math.abs(value);
        if (x > 0.29166667f) {
            if (x > 0.583333f) {
                return (x > 0.8333333f ? 3 : 2) + sign;
            }
            return (x > 0.4166667f ? 5 : 4) + sign;
        }
        if (x > 0.0859375f) {
            return (x > 0.20833333f ? 7 : 6) + sign;
        }
        return (x > 0.00260417f ? 1 : 0) + sign;
    }

    private static void rowWise(
            float[] x, int rows, int columns, Matrix target, Quantization.RowWise8 codes, Operands use) {
        int[] outliers = outlierColumns(codes, columns, use);
        var values = new double[outliers.length * rows];
        var scale = new double[rows];
        var out = use.segment(target.data());
        for (int row = 0; row < rows; row++) {
            for (int o = 0; o < outliers.length; o++) {
                values[o * rows + row] = x[row * columns + outliers[o]];
                x[row * columns + outliers[o]] = 0;
            }
            float most = 0;
            for (int c = 0; c < columns; c++) {
                most = Math.max(most, Math.abs(x[row * columns + c]));
            }
            scale[row] = most;
            float factor = Math.min(127.0f / Math.max(most, 1e-38f), Float.MAX_VALUE);
            for (int c = 0; c < columns; c++) {
                out.set(ValueLayout.JAVA_BYTE, (long) row * columns + c, (byte) Math.rint(x[row * columns + c] * factor));
            }
        }
        use.write("scale", codes.scale(), scale);
        if (codes.outliers() != null) {
            use.write("outliers", codes.outliers().values(), values);
        }
    }

    private static int[] outlierColumns(Quantization.RowWise8 codes, int columns, Operands use) {
        if (codes.outliers() == null) {
            return new int[0];
        }
        var tensor = codes.outliers().columns();
        return use.readIndices("outlier columns", tensor, tensor.shape().elements(), columns);
    }

    /** Rows of a quantized matrix, each element rounded to float32 once. */
    static double[] readRows(String name, Matrix matrix, long firstRow, int rows, Operands use) {
        int columns = use.size(matrix.columns());
        var codes = use.segment(matrix.data());
        long bytes = matrix.quantization().type().rowMajorBytes(matrix.rows(), columns);
        use.require(codes.byteSize() >= bytes, name + " takes " + bytes + " bytes, but its data is " + matrix.data().spec());
        return switch (matrix.quantization()) {
            case Quantization.FourBit q -> readFourBit(codes, q, firstRow * columns, rows * columns, matrix, use);
            case Quantization.RowWise8 q -> readRowWise(codes, q, firstRow, rows, columns, matrix, use);
        };
    }

    private static double[] readFourBit(
            MemorySegment codes, Quantization.FourBit q, long first, int count, Matrix matrix, Operands use) {
        float[] absmax = absmax(q, q.type().rowMajorScales(matrix.rows(), matrix.columns()), use);
        var values = new double[count];
        for (int i = 0; i < count; i++) {
            long element = first + i;
            int code = codes.get(ValueLayout.JAVA_BYTE, element / 2) >> (element % 2 == 0 ? 4 : 0) & 15;
            values[i] = value(q.type(), code) * absmax[(int) (element / QuantType.BLOCK)];
        }
        return values;
    }

    private static float value(QuantType type, int code) {
        if (type == QuantType.NF4) {
            return NF4[code];
        }
        return code < 8 ? FP4_MAGNITUDES[code] : -FP4_MAGNITUDES[code - 8];
    }

    private static float[] absmax(Quantization.FourBit q, long blocks, Operands use) {
        var absmax = new float[use.size(blocks)];
        if (q.nested() == null) {
            double[] read = use.read("absmax", q.absmax(), blocks);
            for (int i = 0; i < absmax.length; i++) {
                absmax[i] = (float) read[i];
            }
            return absmax;
        }
        use.require(q.absmax().dtype() == DType.UINT8, "nested absmax is " + q.absmax().spec() + ", expected uint8");
        use.requireElements("absmax", q.absmax(), blocks);
        var codes = use.segment(q.absmax());
        double[] nested = use.read("nested absmax", q.nested().absmax(), Math.ceilDiv(blocks, QuantType.NESTED_BLOCK));
        double[] map = use.read("nested map", q.nested().map(), 256);
        for (int i = 0; i < absmax.length; i++) {
            int code = codes.get(ValueLayout.JAVA_BYTE, i) & 255;
            absmax[i] = (float) map[code] * (float) nested[i / QuantType.NESTED_BLOCK] + q.nested().offset();
        }
        return absmax;
    }

    private static double[] readRowWise(
            MemorySegment codes, Quantization.RowWise8 q, long firstRow, int rows, int columns, Matrix matrix, Operands use) {
        double[] scale = use.read("scale", q.scale(), matrix.rows());
        var values = new double[rows * columns];
        for (int i = 0; i < values.length; i++) {
            float step = (float) scale[(int) (firstRow + i / columns)] / 127.0f;
            values[i] = codes.get(ValueLayout.JAVA_BYTE, firstRow * columns + i) * step;
        }
        int[] outliers = outlierColumns(q, columns, use);
        if (outliers.length > 0) {
            double[] kept = use.read("outliers", q.outliers().values(), outliers.length * matrix.rows());
            for (int o = 0; o < outliers.length; o++) {
                for (int row = 0; row < rows; row++) {
                    values[row * columns + outliers[o]] = kept[(int) (o * matrix.rows() + firstRow + row)];
                }
            }
        }
        return values;
    }
}
