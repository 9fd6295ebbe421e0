package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/**
 * Lays a row-major weight out in the device's panels. With transpose the source is [columns,
 * rows].
 */
public record Pack(Tensor source, Matrix packed, boolean transpose)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return Kernel.present(source);
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(packed.data());
    }
}
