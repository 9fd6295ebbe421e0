package dev.sartor.io;

import dev.sartor.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The element types a safetensors header may name. Some can be stored and listed but not computed with; those have no
 * {@link #dtype()}.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format</a>
 */
public enum SafetensorsType {
    F64(8, DType.FLOAT64), F32(4, DType.FLOAT32), F16(2, DType.FLOAT16), BF16(2, DType.BFLOAT16),
    I64(8, DType.INT64), I32(4, DType.INT32), I16(2, DType.INT16), I8(1, DType.INT8),
    U64(8, null), U32(4, null), U16(2, null), U8(1, DType.UINT8), BOOL(1, DType.BOOL),
    F8_E4M3(1, null), F8_E5M2(1, null), F8_E8M0(1, null), C64(8, null);

    private static final Map<String, SafetensorsType> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toMap(Enum::name, Function.identity()));

    private final int bytes;
    private final DType dtype;

    SafetensorsType(int bytes, DType dtype) {
        this.bytes = bytes;
        this.dtype = dtype;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The engine's type of the same layout, where there is one. */
    public Optional<DType> dtype() {
        return Optional.ofNullable(dtype);
    }

    static Optional<SafetensorsType> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }
}
