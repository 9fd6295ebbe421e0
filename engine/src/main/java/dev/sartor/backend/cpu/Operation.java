package dev.sartor.backend.cpu;

import dev.sartor.bindings.cpu.*;
import dev.sartor.device.kernel.*;
import java.lang.foreign.GroupLayout;
import java.util.Map;

/**
 * The op of {@code sartor_ops.h} that a kernel record stands for.
 *
 * @param code of {@code enum sartor_op}
 * @param layout of its argument struct, as the bindings know it
 */
record Operation(int code, GroupLayout layout) {
    private static final Map<Class<? extends Kernel>, Operation> ALL = Map.ofEntries(
            entry(Pack.class, sartor_h.SARTOR_OP_PACK(), sartor_pack.layout()),
            entry(Quantize.class, sartor_h.SARTOR_OP_QUANTIZE(), sartor_quantize.layout()),
            entry(Unpack.class, sartor_h.SARTOR_OP_UNPACK(), sartor_unpack.layout()),
            entry(LoraLinear.class, sartor_h.SARTOR_OP_LORA_LINEAR(), sartor_lora_linear.layout()),
            entry(
                    LoraLinearBackward.class,
                    sartor_h.SARTOR_OP_LORA_LINEAR_BACKWARD(),
                    sartor_lora_linear_backward.layout()),
            entry(DoraScale.class, sartor_h.SARTOR_OP_DORA_SCALE(), sartor_dora_scale.layout()),
            entry(
                    DoraScaleBackward.class,
                    sartor_h.SARTOR_OP_DORA_SCALE_BACKWARD(),
                    sartor_dora_scale_backward.layout()),
            entry(ColumnScale.class, sartor_h.SARTOR_OP_COLUMN_SCALE(), sartor_column_scale.layout()),
            entry(
                    ColumnScaleBackward.class,
                    sartor_h.SARTOR_OP_COLUMN_SCALE_BACKWARD(),
                    sartor_column_scale_backward.layout()),
            entry(RmsNorm.class, sartor_h.SARTOR_OP_RMS_NORM(), sartor_rms_norm.layout()),
            entry(RmsNormBackward.class, sartor_h.SARTOR_OP_RMS_NORM_BACKWARD(), sartor_rms_norm_backward.layout()),
            entry(LayerNorm.class, sartor_h.SARTOR_OP_LAYER_NORM(), sartor_layer_norm.layout()),
            entry(
                    LayerNormBackward.class,
                    sartor_h.SARTOR_OP_LAYER_NORM_BACKWARD(),
                    sartor_layer_norm_backward.layout()),
            entry(Rope.class, sartor_h.SARTOR_OP_ROPE(), sartor_rope.layout()),
            entry(Attention.class, sartor_h.SARTOR_OP_ATTENTION(), sartor_attention.layout()),
            entry(
                    AttentionBackward.class,
                    sartor_h.SARTOR_OP_ATTENTION_BACKWARD(),
                    sartor_attention_backward.layout()),
            entry(CacheWrite.class, sartor_h.SARTOR_OP_CACHE_WRITE(), sartor_cache_write.layout()),
            entry(Activation.class, sartor_h.SARTOR_OP_ACTIVATION(), sartor_activation.layout()),
            entry(
                    ActivationBackward.class,
                    sartor_h.SARTOR_OP_ACTIVATION_BACKWARD(),
                    sartor_activation_backward.layout()),
            entry(Embedding.class, sartor_h.SARTOR_OP_EMBEDDING(), sartor_embedding.layout()),
            entry(
                    EmbeddingBackward.class,
                    sartor_h.SARTOR_OP_EMBEDDING_BACKWARD(),
                    sartor_embedding_backward.layout()),
            entry(
                    LinearCrossEntropy.class,
                    sartor_h.SARTOR_OP_LINEAR_CROSS_ENTROPY(),
                    sartor_linear_cross_entropy.layout()),
            entry(Logits.class, sartor_h.SARTOR_OP_LOGITS(), sartor_logits.layout()),
            entry(WeightedSum.class, sartor_h.SARTOR_OP_WEIGHTED_SUM(), sartor_weighted_sum.layout()),
            entry(Add.class, sartor_h.SARTOR_OP_ADD(), sartor_add.layout()),
            entry(Dropout.class, sartor_h.SARTOR_OP_DROPOUT(), sartor_dropout.layout()),
            entry(Convert.class, sartor_h.SARTOR_OP_CONVERT(), sartor_convert.layout()),
            entry(Zero.class, sartor_h.SARTOR_OP_ZERO(), sartor_zero.layout()),
            entry(SumSquares.class, sartor_h.SARTOR_OP_SUM_SQUARES(), sartor_sum_squares.layout()),
            entry(Clip.class, sartor_h.SARTOR_OP_CLIP(), sartor_clip.layout()),
            entry(AdamW.class, sartor_h.SARTOR_OP_ADAMW(), sartor_adamw.layout()),
            entry(AdamW8Bit.class, sartor_h.SARTOR_OP_ADAMW_8BIT(), sartor_adamw_8bit.layout()),
            entry(Lion.class, sartor_h.SARTOR_OP_LION(), sartor_lion.layout()),
            entry(Adafactor.class, sartor_h.SARTOR_OP_ADAFACTOR(), sartor_adafactor.layout()),
            entry(
                    ScheduleFreeWeight.class,
                    sartor_h.SARTOR_OP_SCHEDULE_FREE_WEIGHT(),
                    sartor_schedule_free_weight.layout()),
            entry(
                    ScheduleFreeAdamW.class,
                    sartor_h.SARTOR_OP_SCHEDULE_FREE_ADAMW(),
                    sartor_schedule_free_adamw.layout()),
            entry(MuonMomentum.class, sartor_h.SARTOR_OP_MUON_MOMENTUM(), sartor_muon_momentum.layout()),
            entry(MuonUpdate.class, sartor_h.SARTOR_OP_MUON_UPDATE(), sartor_muon_update.layout()),
            entry(MatMul.class, sartor_h.SARTOR_OP_MATMUL(), sartor_matmul.layout()),
            entry(CheckFinite.class, sartor_h.SARTOR_OP_CHECK_FINITE(), sartor_check_finite.layout()),
            entry(Sample.class, sartor_h.SARTOR_OP_SAMPLE(), sartor_sample.layout()),
            entry(Route.class, sartor_h.SARTOR_OP_ROUTE(), sartor_route.layout()),
            entry(RouteBackward.class, sartor_h.SARTOR_OP_ROUTE_BACKWARD(), sartor_route_backward.layout()),
            entry(Dispatch.class, sartor_h.SARTOR_OP_DISPATCH(), sartor_dispatch.layout()),
            entry(GroupedLinear.class, sartor_h.SARTOR_OP_GROUPED_LINEAR(), sartor_grouped_linear.layout()),
            entry(
                    GroupedLinearBackward.class,
                    sartor_h.SARTOR_OP_GROUPED_LINEAR_BACKWARD(),
                    sartor_grouped_linear_backward.layout()),
            entry(RouterLosses.class, sartor_h.SARTOR_OP_ROUTER_LOSSES(), sartor_router_losses.layout()),
            entry(RouterStatistics.class, sartor_h.SARTOR_OP_ROUTER_STATISTICS(), sartor_router_statistics.layout()),
            entry(Jitter.class, sartor_h.SARTOR_OP_JITTER(), sartor_jitter.layout()),
            entry(AttentionSink.class, sartor_h.SARTOR_OP_ATTENTION_SINK(), sartor_attention_sink.layout()),
            entry(
                    AttentionSinkBackward.class,
                    sartor_h.SARTOR_OP_ATTENTION_SINK_BACKWARD(),
                    sartor_attention_sink_backward.layout()),
            entry(Combine.class, sartor_h.SARTOR_OP_COMBINE(), sartor_combine.layout()),
            entry(CombineBackward.class, sartor_h.SARTOR_OP_COMBINE_BACKWARD(), sartor_combine_backward.layout()));

    static Operation of(Kernel kernel) {
        return ALL.get(kernel.getClass());
    }

    static Map<Class<? extends Kernel>, Operation> all() {
        return ALL;
    }

    private static Map.Entry<Class<? extends Kernel>, Operation> entry(
            Class<? extends Kernel> kernel, int code, GroupLayout layout) {
        return Map.entry(kernel, new Operation(code, layout));
    }
}
