package dev.sartor.quant;

import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Eager;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.device.RowBlocks;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;

/** Quantizes dense weights, and lays quantized ones out for kernels. */
public final class Quantizer {
    private final Device device;
    private final Scope weights;

    /** @param weights owns what stays of a weight */
    public Quantizer(Device device, Scope weights) {
        this.device = device;
        this.weights = weights;
    }

    /**
     * Quantizes a weight, row-major: for kernels, {@link #pack} it.
     *
     * @param source [rows, columns] in float32, bfloat16 or float16, or [columns, rows] if transposed
     * @param outliers whether int8 keeps columns that stick out in 16 bits
     * @param temporary owns what {@link #pack} does not need any more
     * @throws IllegalArgumentException if an element is infinite or not a number
     */
    public Matrix quantize(
            String name, DenseSource source, long rows, long columns, boolean transposed, QuantizationConfig config,
            boolean outliers, Scope temporary) {
        if (!config.type().isFourBit()) {
            var kept = outliers
                    ? outliers(OutlierColumns.find(device, name, source, rows, columns, transposed), rows)
                    : null;
            var target = rowWise(rows, columns, temporary.allocate(TensorSpec.of(DType.INT8, rows, columns)),
                    weights.allocate(TensorSpec.of(DType.FLOAT32, rows)), kept);
            quantize(name, source, target, transposed, kept == null);
            return target;
        }
        var codes = temporary.allocate(TensorSpec.of(DType.UINT8, config.type().rowMajorBytes(rows, columns)));
        var absmax = temporary.allocate(TensorSpec.of(DType.FLOAT32, config.type().rowMajorScales(rows, columns)));
        var once = fourBit(rows, columns, config.type(), codes, absmax, null);
        quantize(name, source, once, transposed, true);
        if (!config.doubleQuant()) {
            return once;
        }
        var twice = DoubleQuantization.of(Eager.floats(device, absmax));
        return fourBit(rows, columns, config.type(), codes, HostTensors.bytes(device, temporary, twice.codes()),
                nested(twice.absmax(), DynamicMap.values(), twice.offset()));
    }

    /** @param divisible whether the target may be made some rows at a time */
    private void quantize(String name, DenseSource source, Matrix target, boolean transposed, boolean divisible) {
        if (transposed || !divisible) {
            quantize(name, source, source.all(), target, transposed);
            return;
        }
        long block = source.blockRows();
        for (long first = 0; first < target.rows(); first += block) {
            long count = Math.min(block, target.rows() - first);
            quantize(name, source, source.rows(first, count), RowBlocks.quantized(target, first, count), false);
        }
    }

    private void quantize(String name, DenseSource source, Tensor rows, Matrix target, boolean transposed) {
        try {
            Eager.run(device, name, new Quantize(rows, target, transposed));
        } catch (DeviceException refused) {
            // The kernel looks at every element anyway; which one it was is looked for only now.
            throw source.notFinite().<RuntimeException>map(found -> new IllegalArgumentException(found, refused)).orElse(refused);
        }
    }

    private Quantization.Outliers outliers(int[] columns, long rows) {
        return columns.length == 0 ? null : new Quantization.Outliers(HostTensors.ints(device, weights, columns),
                weights.allocate(TensorSpec.of(DType.BFLOAT16, columns.length, rows)));
    }

    /**
     * A weight as a checkpoint has it, row-major.
     *
     * @param name for messages
     * @param temporary owns what {@link #pack} does not need any more; the codes stay where they are
     * @throws IllegalArgumentException if the values of its codes are not the published ones
     */
    public Matrix stored(String name, BitsAndBytes.Stored stored, long rows, long columns, Scope temporary) {
        return switch (stored) {
            case BitsAndBytes.RowWise eight -> rowWise(rows, columns,
                    Eager.wrap(device, TensorSpec.of(DType.INT8, rows, columns), eight.codes()),
                    HostTensors.floats(device, weights, eight.scale()), null);
            case BitsAndBytes.FourBit four -> {
                FourBitValues.require(name, four.type(), four.map());
                var codes = Eager.wrap(device, TensorSpec.of(DType.UINT8, four.codes().byteSize()), four.codes());
                var nested = four.nested();
                yield nested == null
                        ? fourBit(rows, columns, four.type(), codes, HostTensors.floats(device, temporary, four.absmax()), null)
                        : fourBit(rows, columns, four.type(), codes, HostTensors.bytes(device, temporary, nested.codes()),
                                nested(nested.absmax(), nested.map(), nested.offset()));
            }
        };
    }

    /**
     * What a checkpoint has of a weight, row-major.
     *
     * @param arena owns the codes
     */
    public BitsAndBytes.Stored toStored(Matrix rowMajor, Arena arena) {
        return switch (rowMajor.quantization()) {
            case Quantization.RowWise8 rows -> {
                if (rows.outliers() != null) {
                    throw new IllegalArgumentException("bitsandbytes' files have no place for outlier columns");
                }
                yield new BitsAndBytes.RowWise(HostTensors.copy(device, rowMajor.data(), arena),
                        Eager.floats(device, rows.scale()));
            }
            case Quantization.FourBit four -> {
                var codes = HostTensors.copy(device, rowMajor.data(), arena);
                var nested = four.nested();
                yield nested == null
                        ? new BitsAndBytes.FourBit(four.type(), codes, Eager.floats(device, four.absmax()), FourBitValues.of(four.type()), null)
                        : new BitsAndBytes.FourBit(four.type(), codes, null, FourBitValues.of(four.type()),
                                new BitsAndBytes.Nested(HostTensors.bytes(device, four.absmax()), Eager.floats(device, nested.absmax()),
                                        Eager.floats(device, nested.map()), nested.offset()));
            }
        };
    }

    /** The same weight in the device's panels. */
    public Matrix pack(String name, Matrix rowMajor) {
        var packed = panels(rowMajor);
        Eager.run(device, name, new Pack(rowMajor, packed, false));
        return packed;
    }

    /** The place that a weight takes, without a weight; it has no outliers, whose number only a weight tells. */
    public Matrix planned(long rows, long columns, QuantizationConfig config) {
        var type = config.type();
        var codes = Tensor.unplaced(TensorSpec.of(type.dtype(), type.rowMajorBytes(rows, columns)));
        long scales = type.rowMajorScales(rows, columns);
        if (!type.isFourBit()) {
            return panels(rowWise(rows, columns, codes, weights.allocate(TensorSpec.of(DType.FLOAT32, scales)), null));
        }
        var absmax = Tensor.unplaced(TensorSpec.of(config.doubleQuant() ? DType.UINT8 : DType.FLOAT32, scales));
        var nested = config.doubleQuant()
                ? new Quantization.Nested(
                        weights.allocate(TensorSpec.of(DType.FLOAT32, Math.ceilDiv(scales, (long) QuantType.NESTED_BLOCK))),
                        weights.allocate(TensorSpec.of(DType.FLOAT32, DynamicMap.SIZE)), 0)
                : null;
        return panels(fourBit(rows, columns, type, codes, absmax, nested));
    }

    /** Room for the weight in panels; what packing leaves as it is is shared. */
    private Matrix panels(Matrix like) {
        var type = like.quantization().type();
        long rows = like.rows();
        long columns = like.columns();
        var codes = weights.allocate(TensorSpec.of(type.dtype(), device.packedBytes(rows, columns, type)));
        return switch (like.quantization()) {
            case Quantization.RowWise8 eight -> new Matrix(rows, columns, Layout.PACKED, codes, eight);
            case Quantization.FourBit four -> new Matrix(rows, columns, Layout.PACKED, codes, new Quantization.FourBit(type,
                    weights.allocate(TensorSpec.of(four.absmax().dtype(), device.packedScales(rows, columns, type))),
                    four.nested()));
        };
    }

    private Quantization.Nested nested(float[] absmax, float[] map, float offset) {
        return new Quantization.Nested(HostTensors.floats(device, weights, absmax), HostTensors.floats(device, weights, map), offset);
    }

    private static Matrix fourBit(
            long rows, long columns, QuantType type, Tensor codes, Tensor absmax, Quantization.Nested nested) {
        return new Matrix(rows, columns, Layout.ROW_MAJOR, codes, new Quantization.FourBit(type, absmax, nested));
    }

    private static Matrix rowWise(long rows, long columns, Tensor codes, Tensor scale, Quantization.Outliers outliers) {
        return new Matrix(rows, columns, Layout.ROW_MAJOR, codes, new Quantization.RowWise8(scale, outliers));
    }
}
