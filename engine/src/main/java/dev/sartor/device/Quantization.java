package dev.sartor.device;

import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** What a quantized matrix has beside its codes ({@code sartor_scales} in sartor_ops.h). */
public sealed interface Quantization {
    QuantType type();

    /** Everything that a kernel reads to dequantize, but the codes. */
    List<Tensor> tensors();

    /**
     * Codes of 4 bits in blocks of 64: an element is its code's value times the block's absmax.
     *
     * @param type NF4 or FP4
     * @param absmax float32, or uint8 with nested; row-major: [blocks], packed: as many as {@link
     *     Device#packedScales} says, in the device's order
     * @param nested null where absmax is float32
     */
    record FourBit(QuantType type, Tensor absmax, Nested nested) implements Quantization {
        public FourBit {
            if (!type.isFourBit()) {
                throw new IllegalArgumentException(type + " has no blocks of 4-bit codes");
            }
        }

        @Override
        public List<Tensor> tensors() {
            return nested == null ? List.of(absmax) : List.of(absmax, nested.absmax(), nested.map());
        }
    }

    /**
     * Double quantization: absmax of block b is map[absmax[b]] * nested absmax[b / 256] + offset.
     *
     * @param absmax [ceil(blocks / 256)], float32
     * @param map [256], float32: bitsandbytes' signed dynamic map
     */
    record Nested(Tensor absmax, Tensor map, float offset) {}

    /**
     * Codes of 8 bits: an element is its code times scale[row] / 127.
     *
     * @param scale [rows], float32: the absmax of each row
     * @param outliers null where there are none
     */
    record RowWise8(Tensor scale, Outliers outliers) implements Quantization {
        @Override
        public QuantType type() {
            return QuantType.INT8;
        }

        @Override
        public List<Tensor> tensors() {
            return Stream.of(scale, outliers == null ? null : outliers.columns(), outliers == null ? null : outliers.values())
                    .filter(Objects::nonNull)
                    .toList();
        }
    }

    /**
     * Columns kept in 16 bits; their codes are 0.
     *
     * @param columns [n], int32, ascending
     * @param values [n, rows], bfloat16
     */
    record Outliers(Tensor columns, Tensor values) {}
}
