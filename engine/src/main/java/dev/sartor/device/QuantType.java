package dev.sartor.device;

import dev.sartor.tensor.DType;

/** How the elements of a quantized weight are coded. */
public enum QuantType {
    /** NormalFloat 4: 16 quantiles of the normal distribution (Dettmers et al. 2023, section 3). */
    NF4(DType.UINT8),
    /** Floating point of 1 sign, 2 exponent and 1 fraction bit, scaled to [-1, 1]. */
    FP4(DType.UINT8),
    /** Integers with one scale a row (Dettmers et al. 2022, LLM.int8). */
    INT8(DType.INT8);

    /** Elements of the flattened row-major weight that share an absmax, of the 4-bit types. */
    public static final int BLOCK = 64;

    /** Absmax values that share a nested absmax, where they are quantized again. */
    public static final int NESTED_BLOCK = 256;

    private final DType dtype;

    QuantType(DType dtype) {
        this.dtype = dtype;
    }

    /** Of the tensor that holds the codes: a byte is two codes of 4 bits, or one of 8. */
    public DType dtype() {
        return dtype;
    }

    public boolean isFourBit() {
        return this != INT8;
    }

    /** Bytes of a row-major weight's codes. */
    public long rowMajorBytes(long rows, long columns) {
        long elements = Math.multiplyExact(rows, columns);
        return isFourBit() ? Math.ceilDiv(elements, 2) : elements;
    }

    /** Absmax values of a row-major weight: one a block, or one a row. */
    public long rowMajorScales(long rows, long columns) {
        return isFourBit() ? Math.ceilDiv(Math.multiplyExact(rows, columns), BLOCK) : rows;
    }
}
