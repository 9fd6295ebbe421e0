package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;

/** Rows [firstRow, firstRow + y's rows) of a weight, as float32. */
public record Unpack(Matrix weight, Tensor y, long firstRow)
        implements Kernel {
    @Override
    public List<Tensor> reads() {
        return weight.tensors();
    }

    @Override
    public List<Tensor> writes() {
        return Kernel.present(y);
    }

    @Override
    public Unpack with(Substitution change) {
        return new Unpack(change.of(weight), change.of(y), firstRow);
    }
}
