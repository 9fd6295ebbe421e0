package dev.sartor.op;

import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * act(gate), or gated as in SwiGLU and GeGLU (Shazeer 2020): act(gate) * up. Inputs: gate and,
 * optionally, up, of one shape. Output: as gate.
 */
public record Activation(ActivationKind kind) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var gate = inputs.getFirst();
        Check.activation(this, "gate", gate);
        Check.that(inputs.size() < 2 || gate.equals(inputs.get(1)), this, "gate %s and up differ", gate);
        return List.of(gate);
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Activation(
                f.input(0), f.inputCount() < 2 ? null : f.input(1), f.output(0), kind));
    }

    @Override
    public Recomputation recomputation(int output) {
        return Recomputation.FROM_KEPT;
    }

    @Override
    public void backward(Frame f) {
        boolean gated = f.inputCount() == 2;
        var dGate = f.needsGradient(0) ? f.freshGradient(0) : f.temporary(f.input(0).spec());
        var dUp = !gated ? null : f.needsGradient(1) ? f.freshGradient(1) : f.temporary(f.input(1).spec());
        f.emit(new ActivationBackward(f.outputGradient(0), f.input(0), gated ? f.input(1) : null, dGate, dUp, kind));
    }
}
