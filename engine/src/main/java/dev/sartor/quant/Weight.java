package dev.sartor.quant;

import dev.sartor.device.Matrix;
import dev.sartor.tape.Parameter;

/**
 * A weight matrix [out, in], however it is stored. Layers and adapters see this and never the
 * storage.
 */
public sealed interface Weight permits DenseWeight, QuantizedWeight {
    /** The weight's name in the checkpoint, such as {@code model.layers.0.self_attn.q_proj.weight}. */
    String name();

    /** What kernels multiply with. */
    Matrix matrix();

    /** The weight as a trained parameter, or null where it is frozen. */
    Parameter parameter();

    /** Features out. */
    default long rows() {
        return matrix().rows();
    }

    /** Features in. */
    default long columns() {
        return matrix().columns();
    }
}
