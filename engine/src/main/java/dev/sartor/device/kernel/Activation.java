package dev.sartor.device.kernel;

import dev.sartor.tensor.Tensor;
import java.util.List;

/** y = act(gate) * up, or act(gate). */
public record Activation(Tensor gate, Tensor up, Tensor y, ActivationKind kind)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(gate, up);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Activation with(Substitution change) {
        return new Activation(change.of(gate), change.of(up), change.of(y), kind);
    }
}
