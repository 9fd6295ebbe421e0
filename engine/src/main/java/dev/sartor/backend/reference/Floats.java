package dev.sartor.backend.reference;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.sartor.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * Floating-point elements in memory, as double. Stores round once, to the nearest, ties to even; NaN
 * stays NaN, and what exceeds the type becomes infinite.
 */
public final class Floats {
    private Floats() {}

    /** Element {@code index} of a segment of elements of a float type. */
    public static double get(MemorySegment segment, DType dtype, long index) {
        return switch (dtype) {
            case FLOAT64 -> segment.get(JAVA_DOUBLE_UNALIGNED, index * 8);
            case FLOAT32 -> segment.get(JAVA_FLOAT_UNALIGNED, index * 4);
            case BFLOAT16 -> fromBfloat16(segment.get(JAVA_SHORT_UNALIGNED, index * 2));
            case FLOAT16 -> Float.float16ToFloat(segment.get(JAVA_SHORT_UNALIGNED, index * 2));
            case INT8, INT16, INT32, INT64, UINT8, BOOL -> throw notFloat(dtype);
        };
    }

    /** Sets element {@code index} of a segment of elements of a float type. */
    public static void set(MemorySegment segment, DType dtype, long index, double value) {
        switch (dtype) {
            case FLOAT64 -> segment.set(JAVA_DOUBLE_UNALIGNED, index * 8, value);
            case FLOAT32 -> segment.set(JAVA_FLOAT_UNALIGNED, index * 4, (float) value);
            case BFLOAT16 -> segment.set(JAVA_SHORT_UNALIGNED, index * 2, toBfloat16(value));
            case FLOAT16 -> segment.set(JAVA_SHORT_UNALIGNED, index * 2, Float.floatToFloat16(roundToOdd(value)));
            case INT8, INT16, INT32, INT64, UINT8, BOOL -> throw notFloat(dtype);
        }
    }

    /** The value as an element of that type holds it. */
    public static double round(double value, DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> value;
            case FLOAT32 -> (float) value;
            case BFLOAT16 -> fromBfloat16(toBfloat16(value));
            case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16(roundToOdd(value)));
            case INT8, INT16, INT32, INT64, UINT8, BOOL -> throw notFloat(dtype);
        };
    }

    static double fromBfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    static short toBfloat16(double value) {
        int bits = Float.floatToRawIntBits(roundToOdd(value));
        if (Double.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /**
     * Float32 whose last bit says whether anything was cut off, so that rounding it again to a
     * shorter type gives the same as rounding the double at once.
     */
    private static float roundToOdd(double value) {
        float nearest = (float) value;
        if (nearest == value || Double.isNaN(value)) {
            return nearest;
        }
        float towardsZero = Math.abs((double) nearest) > Math.abs(value) ? Math.nextAfter(nearest, 0.0) : nearest;
        return Float.intBitsToFloat(Float.floatToRawIntBits(towardsZero) | 1);
    }

    private static IllegalArgumentException notFloat(DType dtype) {
        return new IllegalArgumentException("elements are " + dtype + ", expected a floating-point type");
    }
}
