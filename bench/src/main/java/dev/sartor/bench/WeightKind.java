package dev.sartor.bench;

import dev.sartor.device.QuantType;

/** How a benchmark's weight is stored. */
public enum WeightKind {
    /** In the type of the activations. */
    DENSE(null, false),
    NF4(QuantType.NF4, false),
    /** With doubly quantized absmax. */
    NF4_DOUBLE(QuantType.NF4, true),
    INT8(QuantType.INT8, false);

    final QuantType type;
    final boolean nested;

    WeightKind(QuantType type, boolean nested) {
        this.type = type;
        this.nested = nested;
    }
}
