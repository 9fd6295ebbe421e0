package dev.sartor.quant;

import dev.sartor.device.QuantType;
import java.util.Arrays;

/** The 16 values of the 4-bit types, by code: {@code quant_map} of a checkpoint. */
public final class FourBitValues {
    /** Quantiles of the normal distribution (Dettmers et al. 2023, appendix E). */
    private static final float[] NF4 = {
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
        -0.18477343022823334f, -0.09105003625154495f, 0f, 0.07958029955625534f, 0.16093020141124725f,
        0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f
    };

    /** One sign, two exponent and one fraction bit, over the largest, 12. */
    private static final float[] FP4_TWELFTHS = {0f, 0.0625f, 8f, 12f, 4f, 6f, 2f, 3f};

    private FourBitValues() {}

    /** @param type NF4 or FP4 */
    public static float[] of(QuantType type) {
        return switch (type) {
            case NF4 -> NF4.clone();
            case FP4 -> fp4();
            case INT8 -> throw new IllegalArgumentException("int8 has no table of values");
        };
    }

    private static float[] fp4() {
        float[] values = new float[16];
        for (int i = 0; i < 8; i++) {
            values[i] = FP4_TWELFTHS[i] / 12;
            values[i + 8] = -values[i];
        }
        return values;
    }

    /**
     * @throws IllegalArgumentException if a checkpoint's values are not those of its type
     */
    static void require(String name, QuantType type, float[] values) {
        float[] published = of(type);
        for (int i = 0; i < published.length; i++) {
            if (Math.abs(values[i] - published[i]) > 1e-6f) {
                throw new IllegalArgumentException(name + ".quant_map: the values " + Arrays.toString(values) + " are not those of "
                        + QuantizationConfig.name(type) + ", and others are not supported");
            }
        }
    }
}
