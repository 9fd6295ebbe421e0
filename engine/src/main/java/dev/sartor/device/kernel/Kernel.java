package dev.sartor.device.kernel;

import dev.sartor.device.Matrix;
import dev.sartor.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A kernel call as data: which kernel, on which tensors, with which numbers. Devices switch over
 * these records; {@code native/include/sartor_ops.h} defines what each computes, with shapes and
 * types. A component that may be null says so there ("or null").
 */
public sealed interface Kernel permits Pack, Unpack, LoraLinear, LoraLinearBackward, DoraScale, DoraScaleBackward, ColumnScale, ColumnScaleBackward, RmsNorm, RmsNormBackward, LayerNorm, LayerNormBackward, Rope, Attention, AttentionBackward, CacheWrite, Activation, ActivationBackward, Embedding, EmbeddingBackward, LinearCrossEntropy, Logits, WeightedSum, Add, Dropout, Convert, Zero, SumSquares, Clip, AdamW, AdamW8Bit, Lion, Adafactor, ScheduleFreeWeight, ScheduleFreeAdamW, MuonMomentum, MuonUpdate, MatMul, CheckFinite, Sample, Quantize, Route, RouteBackward, Dispatch, Combine, CombineBackward, GroupedLinear, GroupedLinearBackward, RouterLosses, RouterStatistics, Jitter, AttentionSink, AttentionSinkBackward {
    /** Every tensor whose contents matter before the call. */
    List<Tensor> reads();

    /** Every tensor that the call changes; with accumulation, what was there matters too. */
    List<Tensor> writes();

    /** The same kernel with the same numbers on other tensors and weights. */
    Kernel with(Substitution change);

    /** Such as {@code RmsNormBackward}. */
    default String name() {
        return getClass().getSimpleName();
    }

    /** A matrix's tensors, then others; what is null is left out. */
    static List<Tensor> present(Matrix matrix, Tensor... tensors) {
        var present = new ArrayList<Tensor>(tensors.length + 4);
        if (matrix != null) {
            present.addAll(matrix.tensors());
        }
        return added(present, tensors);
    }

    static List<Tensor> present(Tensor... tensors) {
        return added(new ArrayList<>(tensors.length), tensors);
    }

    private static List<Tensor> added(List<Tensor> present, Tensor... tensors) {
        for (var tensor : tensors) {
            if (tensor != null) {
                present.add(tensor);
            }
        }
        return Collections.unmodifiableList(present);
    }
}
