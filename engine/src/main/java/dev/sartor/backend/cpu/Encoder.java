package dev.sartor.backend.cpu;

import dev.sartor.device.Instruction;
import dev.sartor.device.kernel.*;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/** Turns an instruction into the argument struct of its native op, checking everything on the way. */
final class Encoder {
    private Encoder() {}

    /**
     * @param allocator of zeroed memory
     * @return the filled struct
     * @throws dev.sartor.device.DeviceException naming layer, kernel and argument, what was expected
     *     and what was given
     */
    static MemorySegment encode(Instruction instruction, Addresses addresses, SegmentAllocator allocator) {
        var a = new Arguments(instruction, addresses, allocator);
        switch (instruction.kernel()) {
            case Pack k -> EncodeWeights.pack(k, a);
            case Quantize k -> EncodeWeights.quantize(k, a);
            case Unpack k -> EncodeWeights.unpack(k, a);
            case LoraLinear k -> EncodeLinear.loraLinear(k, a);
            case LoraLinearBackward k -> EncodeLinear.loraLinearBackward(k, a);
            case DoraScale k -> EncodeWeights.doraScale(k, a);
            case DoraScaleBackward k -> EncodeWeights.doraScaleBackward(k, a);
            case ColumnScale k -> EncodeLinear.columnScale(k, a);
            case ColumnScaleBackward k -> EncodeLinear.columnScaleBackward(k, a);
            case RmsNorm k -> EncodeNorms.rmsNorm(k, a);
            case RmsNormBackward k -> EncodeNorms.rmsNormBackward(k, a);
            case LayerNorm k -> EncodeNorms.layerNorm(k, a);
            case LayerNormBackward k -> EncodeNorms.layerNormBackward(k, a);
            case Rope k -> EncodeAttention.rope(k, a);
            case Attention k -> EncodeAttention.attention(k, a);
            case AttentionBackward k -> EncodeAttention.attentionBackward(k, a);
            case CacheWrite k -> EncodeAttention.cacheWrite(k, a);
            case Activation k -> EncodeElementwise.activation(k, a);
            case ActivationBackward k -> EncodeElementwise.activationBackward(k, a);
            case Embedding k -> EncodeVocabulary.embedding(k, a);
            case EmbeddingBackward k -> EncodeVocabulary.embeddingBackward(k, a);
            case LinearCrossEntropy k -> EncodeVocabulary.linearCrossEntropy(k, a);
            case Logits k -> EncodeVocabulary.logits(k, a);
            case WeightedSum k -> EncodeReductions.weightedSum(k, a);
            case Add k -> EncodeElementwise.add(k, a);
            case Dropout k -> EncodeElementwise.dropout(k, a);
            case Convert k -> EncodeElementwise.convert(k, a);
            case Zero k -> EncodeElementwise.zero(k, a);
            case SumSquares k -> EncodeOptimizer.sumSquares(k, a);
            case Clip k -> EncodeOptimizer.clip(k, a);
            case AdamW k -> EncodeOptimizer.adamW(k, a);
            case AdamW8Bit k -> EncodeOptimizer.adamW8Bit(k, a);
            case Lion k -> EncodeOptimizer.lion(k, a);
            case Adafactor k -> EncodeOptimizer.adafactor(k, a);
            case ScheduleFreeWeight k -> EncodeOptimizer.scheduleFreeWeight(k, a);
            case ScheduleFreeAdamW k -> EncodeOptimizer.scheduleFreeAdamW(k, a);
            case MuonMomentum k -> EncodeOptimizer.muonMomentum(k, a);
            case MuonUpdate k -> EncodeOptimizer.muonUpdate(k, a);
            case MatMul k -> EncodeLinear.matMul(k, a);
            case CheckFinite k -> EncodeReductions.checkFinite(k, a);
            case Sample k -> EncodeVocabulary.sample(k, a);
            case Route k -> EncodeExperts.route(k, a);
            case RouteBackward k -> EncodeExperts.routeBackward(k, a);
            case Dispatch k -> EncodeExperts.dispatch(k, a);
            case GroupedLinear k -> EncodeGrouped.forward(k, a);
            case GroupedLinearBackward k -> EncodeGrouped.backward(k, a);
            case RouterLosses k -> EncodeExperts.routerLosses(k, a);
            case RouterStatistics k -> EncodeExperts.routerStatistics(k, a);
            case Jitter k -> EncodeElementwise.jitter(k, a);
            case AttentionSink k -> EncodeAttention.attentionSink(k, a);
            case AttentionSinkBackward k -> EncodeAttention.attentionSinkBackward(k, a);
            case Combine k -> EncodeExperts.combine(k, a);
            case CombineBackward k -> EncodeExperts.combineBackward(k, a);
        }
        a.noOverlap();
        return a.struct();
    }
}
