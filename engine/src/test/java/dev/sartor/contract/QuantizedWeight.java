package dev.sartor.contract;

import static dev.sartor.tensor.DType.BFLOAT16;
import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.UINT8;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.device.Quantization.FourBit;
import dev.sartor.device.Quantization.Nested;
import dev.sartor.device.Quantization.Outliers;
import dev.sartor.device.Quantization.RowWise8;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;

/** Kinds of quantized weights, made on the device under test: quantized there, and packed there. */
enum QuantizedWeight {
    NF4(QuantType.NF4),
    FP4(QuantType.FP4),
    NF4_NESTED(QuantType.NF4),
    INT8(QuantType.INT8),
    INT8_OUTLIERS(QuantType.INT8);

    final QuantType type;

    QuantizedWeight(QuantType type) {
        this.type = type;
    }

    /** A weight of random values, such that products are of size 1. Call it before outputs are made. */
    Matrix random(Fixture f, Layout layout, int rows, int columns) {
        double scale = 1 / Math.sqrt(columns);
        double[] values = f.gaussians(rows * columns, scale);
        var matrix = of(f, f.values(FLOAT32, values, rows, columns), rows, columns);
        return layout == Layout.PACKED ? packed(f, matrix) : matrix;
    }

    /** A float source quantized. */
    Matrix of(Fixture f, Tensor source, int rows, int columns) {
        var target = target(f, rows, columns);
        f.submit(new Quantize(source, target, false), "quantizing");
        f.settle();
        return this == NF4_NESTED ? nested(f, target) : target;
    }

    /** What Quantize writes. */
    Matrix target(Fixture f, int rows, int columns) {
        var codes = f.output("codes", type.dtype(), type.rowMajorBytes(rows, columns));
        var absmax = f.output("absmax", FLOAT32, type.rowMajorScales(rows, columns));
        if (type.isFourBit()) {
            return new Matrix(rows, columns, Layout.ROW_MAJOR, codes, new FourBit(type, absmax, null));
        }
        int[] columnsKept = outliers(columns);
        var outliers = columnsKept.length == 0 ? null
                : new Outliers(f.ints(columnsKept, columnsKept.length), f.output("outliers", BFLOAT16, columnsKept.length, rows));
        return new Matrix(rows, columns, Layout.ROW_MAJOR, codes, new RowWise8(absmax, outliers));
    }

    /** The first, the last and some in between. */
    private int[] outliers(int columns) {
        return this != INT8_OUTLIERS ? new int[0] : Arrays.stream(new int[] {0, 3, 64, columns - 1})
                .filter(column -> column >= 0 && column < columns)
                .distinct()
                .sorted()
                .toArray();
    }

    /** The codes with other scales, which are nested. */
    private static Matrix nested(Fixture f, Matrix matrix) {
        long blocks = QuantType.NF4.rowMajorScales(matrix.rows(), matrix.columns());
        int nestedBlocks = (int) Math.ceilDiv(blocks, QuantType.NESTED_BLOCK);
        var map = new double[256];
        for (int i = 0; i < 256; i++) {
            map[i] = (float) ((i - 127) / 128.0);
        }
        var scales = new double[nestedBlocks];
        for (int i = 0; i < nestedBlocks; i++) {
            scales[i] = (float) (0.01 + 0.003 * i);
        }
        var codes = f.bytes(f.randomInts((int) blocks, 256), blocks);
        var nested = new Nested(f.values(FLOAT32, scales, nestedBlocks), f.values(FLOAT32, map, 256), 0.0875f);
        return new Matrix(matrix.rows(), matrix.columns(), Layout.ROW_MAJOR, matrix.data(),
                new FourBit(QuantType.NF4, codes, nested));
    }

    static Matrix packed(Fixture f, Matrix matrix) {
        var packed = packedTarget(f, matrix);
        f.submit(new Pack(matrix, packed, false), "packing");
        f.settle();
        return packed;
    }

    /** What Pack writes. */
    static Matrix packedTarget(Fixture f, Matrix matrix) {
        long rows = matrix.rows();
        long columns = matrix.columns();
        var type = matrix.quantization().type();
        var panels = f.output("panels", type.dtype(), f.device().packedBytes(rows, columns, type));
        Quantization quantization = switch (matrix.quantization()) {
            case FourBit codes -> new FourBit(type, f.output("packed absmax", codes.nested() == null ? FLOAT32 : UINT8,
                    f.device().packedScales(rows, columns, type)), codes.nested());
            case RowWise8 codes -> codes;
        };
        return new Matrix(rows, columns, Layout.PACKED, panels, quantization);
    }
}
