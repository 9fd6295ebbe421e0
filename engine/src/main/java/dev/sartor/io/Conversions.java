package dev.sartor.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Element by element conversions between stored little-endian types and Java arrays. */
public final class Conversions {

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Conversions() {
    }

    /** bfloat16 bits to float, exact. */
    public static float bfloat16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** float to bfloat16 bits, to nearest even; a NaN stays a NaN. */
    public static short floatToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (value != value) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /**
     * Copies a segment into floats.
     *
     * @throws IllegalArgumentException if the type is not F64, F32, F16, BF16, I64 or I32, or there are too many elements
     */
    public static float[] toFloats(MemorySegment data, SafetensorsType type) {
        float[] out = new float[count(data, type)];
        switch (type) {
            case F32 -> MemorySegment.copy(data, FLOAT, 0, out, 0, out.length);
            case F64 -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = (float) data.getAtIndex(DOUBLE, i);
                }
            }
            case F16 -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = Float.float16ToFloat(data.getAtIndex(SHORT, i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = bfloat16ToFloat(data.getAtIndex(SHORT, i));
                }
            }
            case I64 -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = data.getAtIndex(LONG, i);
                }
            }
            case I32 -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = data.getAtIndex(INT, i);
                }
            }
            default -> throw new IllegalArgumentException("cannot be read as float32; expected F64, F32, F16, BF16, I64 or I32");
        }
        return out;
    }

    /**
     * Copies a segment into ints.
     *
     * @throws IllegalArgumentException if the type is not I64, I32, U8 or BOOL, or a value does not fit an int
     */
    public static int[] toInts(MemorySegment data, SafetensorsType type) {
        int[] out = new int[count(data, type)];
        switch (type) {
            case I32 -> MemorySegment.copy(data, INT, 0, out, 0, out.length);
            case I64 -> {
                for (int i = 0; i < out.length; i++) {
                    long value = data.getAtIndex(LONG, i);
                    if ((int) value != value) {
                        throw new IllegalArgumentException("element " + i + " is " + value + ", which does not fit an int");
                    }
                    out[i] = (int) value;
                }
            }
            case U8, BOOL -> {
                for (int i = 0; i < out.length; i++) {
                    out[i] = data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
                }
            }
            default -> throw new IllegalArgumentException("cannot be read as int32; expected I64, I32, U8 or BOOL");
        }
        return out;
    }

    private static int count(MemorySegment data, SafetensorsType type) {
        long elements = data.byteSize() / type.bytes();
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("has " + elements + " elements, too many for one Java array");
        }
        return (int) elements;
    }
}
