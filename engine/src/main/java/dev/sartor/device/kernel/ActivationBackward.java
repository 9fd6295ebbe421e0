package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** Gradients of {@link Activation}, written. */
public record ActivationBackward(
        Tensor dy,
        Tensor gate,
        Tensor up,
        Tensor dGate,
        Tensor dUp,
        ActivationKind kind)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(dy, gate, up);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(dGate, dUp);
    }

    @Override
    public ActivationBackward with(Substitution change) {
        return new ActivationBackward(change.of(dy), change.of(gate), change.of(up), change.of(dGate), change.of(dUp), kind);
    }
}
