package dev.sartor.optim;

import dev.sartor.tensor.Tensor;

/**
 * A tensor that an optimizer changes.
 *
 * @param value float32
 * @param gradient float32, of value's shape
 * @param decays whether weight decay applies; customarily not to biases and norms
 * @param rate what the run's learning rate is multiplied with for this tensor
 */
public record Trained(String name, Tensor value, Tensor gradient, boolean decays, Role role, double rate) {
    /** What a tensor does, as far as methods tell tensors apart. */
    public enum Role {
        /** A matrix from features to features. */
        MATRIX,
        /** The second matrix of a low-rank adapter, which starts at zero. */
        LORA_B,
        /** Rows looked up or compared by token or position: embeddings and the output head. */
        TABLE,
        /** Norms, biases, magnitudes. */
        VECTOR;

        /** Whether it is a matrix from features to features. */
        public boolean isMatrix() {
            return this == MATRIX || this == LORA_B;
        }
    }

    /** At the run's own learning rate, the role told by the number of dimensions. */
    public Trained(String name, Tensor value, Tensor gradient, boolean decays) {
        this(name, value, gradient, decays, value.shape().rank() > 1 ? Role.MATRIX : Role.VECTOR, 1);
    }

    public Trained withRole(Role changed) {
        return new Trained(name, value, gradient, decays, changed, rate);
    }

    public Trained withRate(double changed) {
        return new Trained(name, value, gradient, decays, role, changed);
    }

    long elements() {
        return value.shape().elements();
    }

    float decay(float weightDecay) {
        return decays ? weightDecay : 0;
    }
}
