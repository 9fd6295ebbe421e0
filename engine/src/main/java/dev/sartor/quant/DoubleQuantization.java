package dev.sartor.quant;

import dev.sartor.device.QuantType;

/**
 * Block scales quantized in turn (Dettmers et al. 2023, section 3, Double Quantization): their mean is
 * taken off, and blocks of 256 of the rest are stored as 8-bit dynamic codes with a float32 scale each.
 *
 * @param codes one a block of weights
 * @param absmax one a block of codes
 * @param offset the mean that was taken off
 */
public record DoubleQuantization(byte[] codes, float[] absmax, float offset) {
    private static final int BLOCK = QuantType.NESTED_BLOCK;

    /** Below this, as in bitsandbytes, a block is divided by it: its codes are those of 0. */
    private static final float LEAST_ABSMAX = 1e-38f;

    /** @param scales of a tensor's blocks, in order */
    public static DoubleQuantization of(float[] scales) {
        double sum = 0;
        for (float scale : scales) {
            sum += scale;
        }
        float offset = (float) (sum / scales.length);
        byte[] codes = new byte[scales.length];
        float[] absmax = new float[Math.ceilDiv(scales.length, BLOCK)];
        for (int block = 0; block < absmax.length; block++) {
            int first = block * BLOCK;
            int end = Math.min(first + BLOCK, scales.length);
            float largest = 0;
            for (int i = first; i < end; i++) {
                largest = Math.max(largest, Math.abs(scales[i] - offset));
            }
            absmax[block] = largest;
            float inverse = 1 / Math.max(largest, LEAST_ABSMAX);
            for (int i = first; i < end; i++) {
                codes[i] = (byte) DynamicMap.nearest((scales[i] - offset) * inverse);
            }
        }
        return new DoubleQuantization(codes, absmax, offset);
    }

    /** The scales as kernels see them. */
    public float[] scales() {
        float[] map = DynamicMap.values();
        float[] scales = new float[codes.length];
        for (int i = 0; i < codes.length; i++) {
            scales[i] = map[codes[i] & 0xff] * absmax[i / BLOCK] + offset;
        }
        return scales;
    }
}
