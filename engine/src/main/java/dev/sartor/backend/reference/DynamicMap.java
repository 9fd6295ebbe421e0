package dev.sartor.backend.reference;

import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The values of 8-bit dynamic quantization, as bitsandbytes' {@code create_dynamic_map} makes them in
 * float32: seven decades of magnitudes from 1e-7 to 1, each cut into twice as many even parts as the
 * one below and standing for their middles; then 0 and 1.
 */
final class DynamicMap {
    private static final int DECADES = 7;

    /** With negative values: code 127 is 0. */
    static final DynamicMap SIGNED = new DynamicMap(true);
    /** Code 0 is 0. */
    static final DynamicMap UNSIGNED = new DynamicMap(false);

    private final float[] values;

    private DynamicMap(boolean signed) {
        var magnitudes = IntStream.range(0, DECADES).boxed()
                .flatMap(decade -> decade(decade, (signed ? 1 : 2) << decade).boxed()).toList();
        values = new float[256];
        int zero = signed ? 127 : 0;
        for (int i = 0; i < magnitudes.size(); i++) {
            float magnitude = magnitudes.get(i).floatValue();
            values[zero + 1 + i] = magnitude;
            if (signed) {
                values[zero - 1 - i] = -magnitude;
            }
        }
        values[255] = 1;
    }

    private static DoubleStream decade(int decade, int parts) {
        float width = (1f - 0.1f) / parts;
        float scale = (float) Math.pow(10, decade - DECADES + 1);
        return IntStream.range(0, parts).mapToDouble(i -> scale * ((border(width, parts, i) + border(width, parts, i + 1)) / 2));
    }

    /** As torch.linspace: from the nearer end, rounded once. */
    private static float border(float width, int parts, int i) {
        return (float) (i < (parts + 1) / 2 ? 0.1f + (double) width * i : 1 - (double) width * (parts - i));
    }

    float value(int code) {
        return values[code];
    }

    /** The code whose value is nearest to x; of the smaller magnitude where two are as near. */
    int nearest(double x) {
        int best = 0;
        for (int code = 1; code < values.length; code++) {
            double distance = Math.abs(values[code] - x);
            double least = Math.abs(values[best] - x);
            if (distance < least || distance == least && Math.abs(values[code]) < Math.abs(values[best])) {
                best = code;
            }
        }
        return best;
    }
}
