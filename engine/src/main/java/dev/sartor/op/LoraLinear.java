package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;

/**
 * y = x W^T + bias + scaling (dropout(x) A^T) B^T: a linear layer with an optional low-rank adapter
 * (Hu et al. 2021, section 4.1).
 *
 * <p>Inputs: x [rows, in]; the weight as a parameter [out, in], present only if it is trained; bias
 * [out]; lora_A [rank, in] and lora_B [out, rank], both or neither. Output: [rows, out].
 *
 * @param weight where the weight's elements are
 * @param rng seed and step of the dropout masks, two int64; null where dropout is 0
 * @param site tells this layer's masks from those of others
 */
public record LoraLinear(Matrix weight, float scaling, float dropout, Tensor rng, long site) implements Op {
    private static final int X = 0;
    private static final int WEIGHT = 1;
    private static final int BIAS = 2;
    private static final int LORA_A = 3;
    private static final int LORA_B = 4;
    private static final int H = 0;

    public LoraLinear {
        if (dropout < 0 || dropout >= 1 || (dropout > 0 && rng == null)) {
            throw new IllegalArgumentException("dropout " + dropout + " must be in [0, 1), with a random stream");
        }
    }

    /** A linear layer without an adapter. */
    public static LoraLinear plain(Matrix weight) {
        return new LoraLinear(weight, 0, 0, null, 0);
    }

    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        var x = inputs.get(X);
        Check.features(this, x, weight);
        Check.optional(this, "weight", inputs.get(WEIGHT), DType.FLOAT32, weight.rows(), weight.columns());
        Check.optional(this, "bias", inputs.get(BIAS), DType.FLOAT32, weight.rows());
        var a = inputs.get(LORA_A);
        var b = inputs.get(LORA_B);
        Check.that((a == null) == (b == null), this, "lora_A and lora_B come together");
        if (a != null) {
            long rank = a.shape().dim(0);
            Check.spec(this, "lora_A", a, DType.FLOAT32, rank, weight.columns());
            Check.spec(this, "lora_B", b, DType.FLOAT32, weight.rows(), rank);
        }
        return List.of(TensorSpec.of(x.dtype(), x.shape().dim(0), weight.rows()));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.LoraLinear(
                f.input(X), weight, f.input(BIAS), f.input(LORA_A), f.input(LORA_B), f.output(0), h(f), rng, site,
                scaling, dropout));
    }

    @Override
    public void backward(Frame f) {
        boolean adapter = f.needsGradient(LORA_A) || f.needsGradient(LORA_B);
        boolean full = f.needsGradient(WEIGHT);
        var dx = f.needsGradient(X) ? f.gradient(X) : new Gradient(null, false);
        f.emit(new LoraLinearBackward(
                f.outputGradient(0),
                adapter || full ? f.input(X) : null,
                adapter ? h(f) : null,
                weight,
                f.input(LORA_A),
                f.input(LORA_B),
                dx.tensor(),
                adapter ? f.parameterGradient(LORA_A) : null,
                adapter ? f.parameterGradient(LORA_B) : null,
                full ? f.parameterGradient(WEIGHT) : null,
                f.needsGradient(BIAS) ? f.parameterGradient(BIAS) : null,
                rng, site, scaling, dropout, dx.accumulate()));
    }

    private Tensor h(Frame f) {
        var a = f.input(LORA_A);
        return a == null ? null : f.keep(H, TensorSpec.of(DType.FLOAT32, f.input(X).shape().dim(0), a.shape().dim(0)));
    }
}
