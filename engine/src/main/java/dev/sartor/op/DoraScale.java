package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.DoraScaleBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * DoRA's column scale, magnitude / ||W + scaling B A|| by row of W (Liu et al. 2024, section 4.3;
 * the norm counts as a constant in the gradient). Inputs: magnitude [out]; lora_A [rank, in]; lora_B
 * [out, rank]. Output: [out] float32.
 */
public record DoraScale(Matrix weight, float scaling) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        long rank = inputs.get(1).shape().dim(0);
        Check.spec(this, "magnitude", inputs.get(0), DType.FLOAT32, weight.rows());
        Check.spec(this, "lora_A", inputs.get(1), DType.FLOAT32, rank, weight.columns());
        Check.spec(this, "lora_B", inputs.get(2), DType.FLOAT32, weight.rows(), rank);
        return List.of(inputs.getFirst());
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.DoraScale(
                weight, f.input(1), f.input(2), f.input(0), f.output(0), norm(f), scaling));
    }

    @Override
    public void backward(Frame f) {
        f.emit(new DoraScaleBackward(f.outputGradient(0), norm(f), f.parameterGradient(0)));
    }

    private Tensor norm(Frame f) {
        return f.keep(0, TensorSpec.of(DType.FLOAT32, weight.rows()));
    }
}
