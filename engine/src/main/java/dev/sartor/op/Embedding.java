package dev.sartor.op;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.EmbeddingBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of a table. Input: the table as a parameter [vocabulary, width], present only if it is
 * trained. Output: [rows, width].
 *
 * @param ids [rows] int32
 * @param dtype of the output
 */
public record Embedding(Matrix table, Tensor ids, DType dtype) implements Op {
    @Override
    public List<TensorSpec> outputs(List<TensorSpec> inputs) {
        Check.optional(this, "table", inputs.getFirst(), DType.FLOAT32, table.rows(), table.columns());
        return Arrays.asList(TensorSpec.of(dtype, ids.shape().elements(), table.columns()));
    }

    @Override
    public void forward(Frame f) {
        f.emit(new dev.sartor.device.kernel.Embedding(table, ids, f.output(0), false));
    }

    @Override
    public void backward(Frame f) {
        f.emit(new EmbeddingBackward(f.outputGradient(0), ids, f.parameterGradient(0)));
    }
}
