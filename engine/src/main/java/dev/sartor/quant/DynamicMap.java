package dev.sartor.quant;

import java.util.Arrays;

/**
 * The signed 8-bit dynamic data type (Dettmers 2015; Dettmers et al. 2022, section 2): 256 ascending
 * values in [-1, 1]. A leading run of zero bits is a power of ten, and what bits are left divide
 * [0.1, 1] evenly; 0 and 1 are values of their own.
 */
public final class DynamicMap {
    /** Values of a map. */
    public static final int SIZE = 256;

    private static final int EXPONENTS = 7;
    private static final float[] VALUES = make();

    private DynamicMap() {}

    /** The values, ascending. */
    public static float[] values() {
        return VALUES.clone();
    }

    private static float[] make() {
        float[] values = new float[SIZE];
        int count = 0;
        for (int exponent = 0; exponent < EXPONENTS; exponent++) {
            int fractions = 1 << exponent;
            float power = (float) Math.pow(10, exponent - (EXPONENTS - 1));
            for (int i = 0; i < fractions; i++) {
                float mean = (boundary(i, fractions) + boundary(i + 1, fractions)) / 2;
                values[count++] = power * mean;
                values[count++] = -power * mean;
            }
        }
        values[count++] = 0;
        values[count] = 1;
        Arrays.sort(values);
        return values;
    }

    /** Element i of n + 1 that divide [0.1, 1], from the nearer end and rounded once, as torch.linspace does. */
    private static float boundary(int i, int n) {
        float step = (1f - 0.1f) / n;
        return i < (n + 1) / 2 ? Math.fma(step, (float) i, 0.1f) : Math.fma(-step, (float) (n - i), 1f);
    }

    /**
     * The code of the nearest value; in the middle between two, the one that bitsandbytes' binary search
     * ends at.
     *
     * @param x in [-1, 1]
     */
    static int nearest(float x) {
        int pivot = 127;
        int above = 255;
        int below = 0;
        for (int step = 64; step > 0; step >>= 1) {
            if (x > VALUES[pivot]) {
                below = pivot;
                pivot += step;
            } else {
                above = pivot;
                pivot -= step;
            }
        }
        float value = VALUES[pivot];
        if (x > value) {
            return x > (VALUES[above] + value) * 0.5f ? above : pivot;
        }
        return x < (VALUES[below] + value) * 0.5f ? below : pivot;
    }
}
