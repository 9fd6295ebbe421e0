package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A kernel call as data: which kernel, on which tensors, with which numbers. Devices switch over
 * these records; {@code native/include/sartor_ops.h} defines what each computes, with shapes and
 * types. A component that may be null says so there ("or null").
 */
public sealed interface Kernel permits Pack, Unpack, LoraLinear, LoraLinearBackward, DoraScale, DoraScaleBackward, ColumnScale, ColumnScaleBackward, RmsNorm, RmsNormBackward, LayerNorm, LayerNormBackward, Rope, Attention, AttentionBackward, CacheWrite, Activation, ActivationBackward, Embedding, EmbeddingBackward, LinearCrossEntropy, Logits, WeightedSum, Add, Dropout, Convert, Zero, SumSquares, Clip, AdamW, AdamW8Bit, Lion, Adafactor, ScheduleFreeWeight, ScheduleFreeAdamW, MuonMomentum, MuonUpdate, MatMul, CheckFinite, Sample, Quantize {
    /** Every tensor whose contents matter before the call. */
    List<Tensor> reads();

    /** Every tensor that the call changes; with accumulation, what was there matters too. */
    List<Tensor> writes();

    /** Such as {@code RmsNormBackward}. */
    default String name() {
        return getClass().getSimpleName();
    }

    /** A matrix's tensors, then others; what is null is left out. */
    static List<Tensor> present(Matrix matrix, Tensor... tensors) {
        return Stream.concat(matrix == null ? Stream.empty() : matrix.tensors().stream(), Stream.of(tensors))
                .filter(Objects::nonNull)
                .toList();
    }

    static List<Tensor> present(Tensor... tensors) {
        return Stream.of(tensors).filter(Objects::nonNull).toList();
    }
}
