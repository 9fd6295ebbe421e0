package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * One AdamW step with moments of 8 bits, in blocks of {@link #BLOCK} elements.
 *
 * @param m uint8 codes of the signed dynamic map
 * @param v uint8 codes of the unsigned one
 * @param mAbsmax float32, one a block
 * @param gradientScale or null
 */
public record AdamW8Bit(
        Tensor parameter,
        Tensor gradient,
        Tensor m,
        Tensor v,
        Tensor mAbsmax,
        Tensor vAbsmax,
        Tensor gradientScale,
        Tensor schedule,
        float beta1,
        float beta2,
        float epsilon,
        float weightDecay)
        implements Kernel {
    /** Elements that share a scale. */
    public static final int BLOCK = 256;

    /** Blocks of so many elements. */
    public static long blocks(long elements) {
        return (elements + BLOCK - 1) / BLOCK;
    }

    @Override
    public List<Tensor> reads() {
        return Kernel.present(gradient, gradientScale, schedule);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(parameter, m, v, mAbsmax, vAbsmax);
    }

    @Override
    public AdamW8Bit with(Substitution change) {
        return new AdamW8Bit(change.of(parameter), change.of(gradient), change.of(m), change.of(v), change.of(mAbsmax),
                change.of(vAbsmax), change.of(gradientScale), change.of(schedule), beta1, beta2, epsilon, weightDecay);
    }
}
