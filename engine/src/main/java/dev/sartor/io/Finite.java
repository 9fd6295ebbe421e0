package dev.sartor.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/** Stored weights that are infinite or not a number, and what to tell a person about them. */
public final class Finite {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BFLOAT16_INFINITY = 0x7f80;
    private static final int FLOAT16_INFINITY = 0x7c00;
    private static final int FLOAT32_INFINITY = 0x7f800000;

    private Finite() {
    }

    /** Looks through all tensors of F32, BF16 and F16 for an element that is not finite; in words, or empty. */
    public static Optional<String> first(TensorReader reader) throws FormatException {
        Safetensors file = reader.file();
        for (String name : file.names()) {
            Optional<String> found = first(reader, name);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    /** The same of one tensor. */
    public static Optional<String> first(TensorReader reader, String name) throws FormatException {
        SafetensorsType type = reader.file().type(name);
        if (type != SafetensorsType.F32 && type != SafetensorsType.BF16 && type != SafetensorsType.F16) {
            return Optional.empty();
        }
        long bytes = reader.file().size(name);
        for (long at = 0; at < bytes; at += TensorReader.PIECE_BYTES) {
            MemorySegment piece = reader.read(name, at, Math.min(TensorReader.PIECE_BYTES, bytes - at));
            long bad = first(piece, type);
            if (bad >= 0) {
                float value = Conversions.toFloats(piece.asSlice(bad * type.bytes(), type.bytes()), type)[0];
                return Optional.of(describe(reader.file().where(name), index(reader.file(), name, at / type.bytes() + bad), value));
            }
        }
        return Optional.empty();
    }

    private static long first(MemorySegment piece, SafetensorsType type) {
        long count = piece.byteSize() / type.bytes();
        if (type == SafetensorsType.F32) {
            for (long i = 0; i < count; i++) {
                if ((piece.get(INT, i * 4) & FLOAT32_INFINITY) == FLOAT32_INFINITY) {
                    return i;
                }
            }
            return -1;
        }
        int exponent = type == SafetensorsType.BF16 ? BFLOAT16_INFINITY : FLOAT16_INFINITY;
        for (long i = 0; i < count; i++) {
            if ((piece.get(SHORT, i * 2) & exponent) == exponent) {
                return i;
            }
        }
        return -1;
    }

    private static String index(Safetensors file, String name, long element) throws FormatException {
        long[] dims = file.spec(name).shape().toArray();
        long[] index = new long[dims.length];
        for (int i = dims.length - 1; i >= 0; i--) {
            index[i] = element % dims[i];
            element /= dims[i];
        }
        return Arrays.toString(index);
    }

    private static String describe(String where, String index, float value) {
        return where + ": element " + index + " is " + value + ", expected a finite number; the checkpoint is broken:"
                + " fetch it again, or go back to one of an earlier step";
    }
}
