package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * c = alpha a b + beta addend, float32 matrices.
 *
 * @param a [m, k]; with transposeA [k, m]
 * @param b [k, n]; with transposeB [n, k]
 * @param addend [m, n], or null; may be c
 * @param c [m, n]
 */
public record MatMul(
        Tensor a,
        Tensor b,
        Tensor addend,
        Tensor c,
        float alpha,
        float beta,
        boolean transposeA,
        boolean transposeB)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(a, b, addend);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(c);
    }

    @Override
    public MatMul with(Substitution change) {
        return new MatMul(change.of(a), change.of(b), change.of(addend), change.of(c), alpha, beta, transposeA, transposeB);
    }
}
