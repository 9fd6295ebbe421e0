package dev.sartor.op;

import dev.sartor.tensor.TensorSpec;
import java.util.List;

/** alpha a + beta b. Inputs: a and b of one shape. Output: as a. */
public record Add(float alpha, float beta) implements Op {
    /** a + b. */
    public static final Add SUM = new Add(1, 1);

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        Check.activation(this, "a", inputs.getFirst());
        Check.that(inputs.getFirst().equals(inputs.get(1)), this, "a %s and b %s differ", inputs.getFirst(), inputs.get(1));
        return List.of(inputs.getFirst());
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Add(f.input(0), f.input(1), f.output(0), alpha, beta));
    }

    @Override
    public void backward(Frame f) {
        pass(f, 0, alpha);
        pass(f, 1, beta);
    }

    private static void pass(Frame f, int index, float factor) {
        if (!f.needsGradient(index)) {
            return;
        }
        if (factor == 1) {
            f.passGradient(index, f.outputGradient(0));
        } else {
            f.emit(new dev.sartor.device.kernel.Add(f.outputGradient(0), null, f.freshGradient(index), factor, 0));
        }
    }
}
