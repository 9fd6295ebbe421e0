package dev.sartor.peft.lora;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.peft.WeightMerge;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;

/**
 * W + scaling B A, and for DoRA each of its rows times magnitude / norm, in float32. The product of
 * a block of rows is a linear layer of the device: rows of B times the transpose of A or, where the
 * file has the weight as [in, out], rows of A's transpose times B.
 */
final class LoraMerge implements WeightMerge {
    private final Device device;
    private final Matrix weight;
    private final boolean transposed;
    private final float scaling;
    private final String where;
    private final Scope scope;
    private final Tensor left;
    private final Matrix right;
    private final float[] factors;

    /**
     * @param weight [out, in], or row-major [in, out] if transposed
     * @param magnitude [out], or null without DoRA
     */
    LoraMerge(Device device, Matrix weight, boolean transposed, LoraAdapter lora, Parameter magnitude) {
        this.device = device;
        this.weight = weight;
        this.transposed = transposed;
        this.scaling = lora.scaling();
        this.where = lora.b().name();
        this.scope = new Scope(Scope.Kind.STEP, device);
        try {
            var a = lora.a().value();
            var b = lora.b().value();
            long rank = a.shape().dim(0);
            if (transposed) {
                left = scope.allocate(TensorSpec.of(DType.FLOAT32, a.shape().dim(1), rank));
                Eager.run(device, where, new Unpack(
                        Eager.pack(device, scope, where, a, a.shape().dim(1), rank, true), left, 0));
                right = Eager.pack(device, scope, where, b, b.shape().dim(0), rank, false);
            } else {
                left = b;
                right = Eager.pack(device, scope, where, a, a.shape().dim(1), rank, true);
            }
            factors = magnitude == null ? null : factors(lora, magnitude);
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    /** magnitude / ||W + scaling B A||, by output feature. */
    private float[] factors(LoraAdapter lora, Parameter magnitude) {
        long out = magnitude.value().shape().dim(0);
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var upright = transposed
                    ? Eager.pack(device, temporary, where, weight.data(), out, lora.a().value().shape().dim(1), true)
                    : weight;
            var scale = temporary.allocate(TensorSpec.of(DType.FLOAT32, out));
            var norm = temporary.allocate(TensorSpec.of(DType.FLOAT32, out));
            Eager.run(device, where, new DoraScale(upright, lora.a().value(), lora.b().value(), magnitude.value(), scale, norm, scaling));
            return Eager.floats(device, scale);
        }
    }

    @Override
    public Rows rows(long first, int count) {
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var spec = TensorSpec.of(DType.FLOAT32, count, weight.columns());
            var base = temporary.allocate(spec);
            var delta = temporary.allocate(spec);
            var merged = temporary.allocate(spec);
            Eager.run(device, where,
                    new Unpack(weight, base, first),
                    new LoraLinear(left.slice(first, count), right, null, null, null, delta, null, null, 0, 0, 0),
                    new Add(base, delta, merged, 1, scaling));
            var rows = new Rows(Eager.floats(device, base), Eager.floats(device, merged));
            if (factors != null) {
                normalize(rows.merged(), first, Math.toIntExact(spec.shape().last()));
            }
            return rows;
        }
    }

    private void normalize(float[] merged, long first, int width) {
        for (int i = 0; i < merged.length; i++) {
            merged[i] *= factors[transposed ? i % width : Math.toIntExact(first + i / width)];
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
