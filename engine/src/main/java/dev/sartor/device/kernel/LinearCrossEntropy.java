package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Projection and cross-entropy in chunks, with the gradient of the weighted sum of losses made in
 * the same pass.
 */
public record LinearCrossEntropy(
        Tensor x,
        Matrix weight,
        Tensor bias,
        Tensor targets,
        Tensor tokenWeights,
        Tensor losses,
        Tensor dx,
        Tensor dWeight,
        Tensor dBias,
        float softcap)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(weight, x, bias, targets, tokenWeights);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(losses, dx, dWeight, dBias);
    }

    @Override
    public LinearCrossEntropy with(Substitution change) {
        return new LinearCrossEntropy(change.of(x), change.of(weight), change.of(bias), change.of(targets),
                change.of(tokenWeights), change.of(losses), change.of(dx), change.of(dWeight), change.of(dBias), softcap);
    }
}
