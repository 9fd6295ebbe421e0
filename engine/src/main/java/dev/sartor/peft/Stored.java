package dev.sartor.peft;

import dev.sartor.io.Conversions;
import dev.sartor.io.FormatException;
import dev.sartor.tensor.DType;

/** Values of merged weights as files hold them. */
public final class Stored {
    private Stored() {}

    /**
     * The value rounded to the type.
     *
     * @param where for the error, such as a layer's name
     * @throws FormatException if it is not finite, or the type cannot hold it
     */
    public static float rounded(String where, float value, DType dtype) throws FormatException {
        float rounded = switch (dtype) {
            case BFLOAT16 -> Conversions.bfloat16ToFloat(Conversions.floatToBfloat16(value));
            case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            default -> value;
        };
        if (!Float.isFinite(rounded)) {
            throw new FormatException(where + ": the merged weight has " + (double) value + ", which "
                    + (Float.isFinite(value) ? dtype + " cannot hold; choose bfloat16 or float32" : "no weight can be; the adapter is broken"));
        }
        return rounded;
    }
}
