package dev.sartor.nn;

import java.util.Arrays;

/**
 * Angular frequencies of a rotary embedding, and a factor on its cosines and sines.
 *
 * @param frequencies radians a position, for each pair of elements
 */
public record RopeScaling(double[] frequencies, double attentionFactor) {
    /** Su et al. 2021: base^(-2i/dim). */
    public static RopeScaling standard(int rotaryDim, double base) {
        double[] frequencies = new double[rotaryDim / 2];
        // Transformers computes these in float32; so do we, or long positions would drift apart.
        Arrays.setAll(frequencies, i -> 1.0f / (float) Math.pow(base, (float) (2 * i) / rotaryDim));
        return new RopeScaling(frequencies, 1);
    }

    /** Position interpolation (Chen et al. 2023). */
    public RopeScaling linear(double factor) {
        return new RopeScaling(Arrays.stream(frequencies).map(f -> (float) (f / factor)).toArray(), attentionFactor);
    }

    /**
     * Llama 3.1: long wavelengths are slowed by the factor, short ones kept, those between blended.
     *
     * @param originalLength the context length that the model was first trained with
     */
    public RopeScaling llama3(double factor, double lowFactor, double highFactor, double originalLength) {
        double longest = originalLength / lowFactor;
        double shortest = originalLength / highFactor;
        return new RopeScaling(Arrays.stream(frequencies).map(f -> {
            double wavelength = 2 * Math.PI / f;
            if (wavelength < shortest) {
                return f;
            }
            if (wavelength > longest) {
                return (float) (f / factor);
            }
            double smooth = (originalLength / wavelength - lowFactor) / (highFactor - lowFactor);
            return (float) ((1 - smooth) * f / factor + smooth * f);
        }).toArray(), attentionFactor);
    }

    /**
     * YaRN (Peng et al. 2023, section 3.2): interpolates slow frequencies, keeps fast ones, and blends
     * between the two along a ramp.
     *
     * @param scale what cosines and sines are multiplied with; 0.1 ln(factor) + 1 in the paper
     * @param truncate whether the ramp's ends are rounded outwards to whole dimensions, as usual
     */
    public RopeScaling yarn(
            int rotaryDim, double base, double factor, double betaFast, double betaSlow, double originalLength,
            double scale, boolean truncate) {
        double low = rampEnd(betaFast, rotaryDim, base, originalLength);
        double high = rampEnd(betaSlow, rotaryDim, base, originalLength);
        if (truncate) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        double start = Math.max(low, 0);
        double end = Math.min(high, rotaryDim - 1);
        double span = end == start ? 0.001 : end - start;
        double[] blended = new double[frequencies.length];
        for (int i = 0; i < blended.length; i++) {
            double interpolated = Math.clamp((i - start) / span, 0, 1);
            blended[i] = (float) (frequencies[i] / factor * interpolated + frequencies[i] * (1 - interpolated));
        }
        return new RopeScaling(blended, scale);
    }

    private static double rampEnd(double rotations, int dim, double base, double originalLength) {
        return dim * Math.log(originalLength / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
    }
}
