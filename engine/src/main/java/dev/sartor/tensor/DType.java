package dev.sartor.tensor;

import java.util.Arrays;

/** Element types, with their size and their name in safetensors files. */
public enum DType {
    FLOAT32(4, "F32"),
    BFLOAT16(2, "BF16"),
    FLOAT16(2, "F16"),
    FLOAT64(8, "F64"),
    INT8(1, "I8"),
    INT16(2, "I16"),
    INT32(4, "I32"),
    INT64(8, "I64"),
    UINT8(1, "U8"),
    BOOL(1, "BOOL");

    private final int bytes;
    private final String safetensorsName;

    DType(int bytes, String safetensorsName) {
        this.bytes = bytes;
        this.safetensorsName = safetensorsName;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    public String safetensorsName() {
        return safetensorsName;
    }

    public boolean isFloat() {
        return this == FLOAT32 || this == BFLOAT16 || this == FLOAT16 || this == FLOAT64;
    }

    /**
     * @throws IllegalArgumentException if no type has that name
     */
    public static DType ofSafetensors(String name) {
        return Arrays.stream(values())
                .filter(type -> type.safetensorsName.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("dtype " + name + " is none of "
                        + Arrays.stream(values()).map(DType::safetensorsName).toList()));
    }
}
