package dev.sartor.quant;

import dev.sartor.device.Matrix;
import dev.sartor.tape.Parameter;
import java.util.Objects;

/** A frozen weight of 4 or 8 bits an element, which kernels dequantize in cache. */
public record QuantizedWeight(String name, Matrix matrix) implements Weight {
    public QuantizedWeight {
        Objects.requireNonNull(matrix.quantization(), "quantization");
    }

    @Override
    public Parameter parameter() {
        return null;
    }
}
