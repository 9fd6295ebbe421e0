package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.BFLOAT16;
import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.FLOAT64;
import static dev.sartor.tensor.DType.INT32;
import static dev.sartor.tensor.DType.INT64;
import static dev.sartor.tensor.DType.UINT8;

import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.device.kernel.*;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/** One valid call of every kernel, all optional arguments given, on tensors without a place. */
final class KernelExamples {
    static final int ROWS = 6;
    static final int IN = 8;
    static final int OUT = 12;
    static final int RANK = 3;
    static final int EXPERTS = 4;
    static final Routing ROUTING = new Routing(2, RouterScoring.SIGMOID, true, 2.5f, 2, 1, GroupScore.TOP2_SUM);

    /** Sizes of packed weights, which are the device's own affair. */
    private final ToLongFunction<Matrix> packedBytes;

    KernelExamples(ToLongFunction<Matrix> packedBytes) {
        this.packedBytes = packedBytes;
    }

    List<Kernel> all() {
        return List.of(
                new Pack(float32(OUT, IN), packed(OUT, IN), false),
                new Pack(float32(IN, OUT), packed(OUT, IN), true),
                new Quantize(half(OUT, IN), fourBit(OUT, IN), false),
                new Quantize(half(IN, OUT), rowWise(OUT, IN), true),
                new Unpack(fourBit(OUT, IN), float32(OUT, IN), 0),
                new Unpack(rowWise(OUT, IN), float32(OUT, IN), 0),
                new Unpack(packed(64, IN), float32(64, IN), 0),
                new Unpack(rowMajor(BFLOAT16, OUT, IN), float32(OUT, IN), 0),
                loraLinear(),
                loraLinearBackward(),
                projections(),
                projectionsBackward(),
                new DoraScale(rowMajor(FLOAT32, OUT, IN), float32(RANK, IN), float32(OUT, RANK), float32(OUT),
                        float32(OUT), float32(OUT), 2f),
                new DoraScaleBackward(float32(OUT), float32(OUT), float32(OUT)),
                new ColumnScale(half(ROWS, OUT), float32(OUT), float32(OUT), half(ROWS, OUT)),
                new ColumnScaleBackward(half(ROWS, OUT), half(ROWS, OUT), float32(OUT), half(ROWS, OUT), float32(OUT),
                        float32(OUT), true),
                new RmsNorm(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(IN), float32(ROWS, IN),
                        float32(ROWS), 1e-5f),
                new RmsNormBackward(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(IN), float32(ROWS), float32(ROWS, IN),
                        float32(IN), false),
                new LayerNorm(half(ROWS, IN), half(ROWS, IN), half(ROWS, IN), float32(IN), float32(IN), half(ROWS, IN),
                        float32(ROWS), float32(ROWS), 1e-5f),
                new LayerNormBackward(half(ROWS, IN), half(ROWS, IN), half(ROWS, IN), float32(IN), float32(ROWS), float32(ROWS),
                        half(ROWS, IN), float32(IN), float32(IN), false),
                new Rope(Columns.of(float32(ROWS, 8)), new Columns(float32(ROWS, 20), 4, 8), float32(10, 2), float32(10, 2),
                        int32(ROWS), 4, false, false, false),
                attention(),
                attentionBackward(),
                new CacheWrite(new Columns(float32(ROWS, 20), 4, 8), float32(2, 5, 8), int32(2, 3)),
                new Activation(half(ROWS, IN), half(ROWS, IN), half(ROWS, IN), ActivationKind.SILU),
                new ActivationBackward(half(ROWS, IN), half(ROWS, IN), half(ROWS, IN), half(ROWS, IN), half(ROWS, IN),
                        ActivationKind.GELU),
                new Embedding(rowMajor(BFLOAT16, OUT, IN), int32(ROWS), float32(ROWS, IN), false),
                new EmbeddingBackward(float32(ROWS, IN), int32(ROWS), float32(OUT, IN)),
                new LinearCrossEntropy(float32(ROWS, IN), packed(OUT, IN), float32(OUT), int32(ROWS), float32(ROWS),
                        float32(ROWS), float32(ROWS, IN), float32(OUT, IN), float32(OUT), 0f),
                new Logits(float32(ROWS, IN), packed(OUT, IN), float32(OUT), float32(ROWS, OUT), 30f),
                new WeightedSum(float32(ROWS), float32(ROWS), float32(1), false),
                new Add(half(ROWS, IN), half(ROWS, IN), half(ROWS, IN), 1f, -1f),
                new Dropout(half(ROWS, IN), half(ROWS, IN), int64(2), 7, 0.1f, false),
                new Convert(half(ROWS, IN), float32(ROWS, IN)),
                new Zero(float32(ROWS, IN)),
                new SumSquares(float32(ROWS, IN), tensor(FLOAT64, 1), true),
                new Clip(tensor(FLOAT64, 1), float32(1), float32(1), 1f),
                new AdamW(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(1), int32(2),
                        0.9f, 0.999f, 1e-8f, 0.01f),
                new AdamW8Bit(float32(40, IN), float32(40, IN), tensor(UINT8, 40, IN), tensor(UINT8, 40, IN), float32(2), float32(2),
                        float32(1), int32(2), 0.9f, 0.999f, 1e-8f, 0.01f),
                new Lion(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(1), int32(2), 0.9f, 0.99f, 0.01f),
                new Adafactor(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS), float32(IN), null, float32(1), int32(2), -0.8f,
                        1e-30f, 1e-3f, 1f, 0.01f, true),
                new Adafactor(float32(ROWS), float32(ROWS), null, null, float32(ROWS), float32(1), int32(2), -0.8f, 1e-30f, 1e-3f,
                        1f, 0.01f, false),
                new ScheduleFreeWeight(int32(2), tensor(FLOAT64, 2), float32(1), 0f, 2f),
                new ScheduleFreeAdamW(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(1),
                        int32(2), float32(1), 0.9f, 0.999f, 1e-8f, 0.01f),
                new MuonMomentum(float32(ROWS, IN), float32(ROWS, IN), float32(ROWS, IN), float32(1), 0.95f, 1e-7f, true),
                new MuonUpdate(float32(ROWS, IN), float32(ROWS, IN), int32(2), 1f, 0.1f),
                new MatMul(float32(IN, ROWS), float32(OUT, IN), float32(ROWS, OUT), float32(ROWS, OUT), 1f, 2f, true, true),
                new CheckFinite(half(ROWS, IN), int64(1)),
                new Sample(float32(ROWS, OUT), int32(ROWS), float32(ROWS), int64(2), 0.7f, 0.9f, 40),
                new Route(half(ROWS, EXPERTS), float32(EXPERTS), int32(ROWS, 2), float32(ROWS, 2), ROUTING),
                new RouteBackward(float32(ROWS, 2), half(ROWS, EXPERTS), int32(ROWS, 2), half(ROWS, EXPERTS), ROUTING, true),
                new Dispatch(int32(ROWS, 2), int32(EXPERTS + 1), int32(2 * ROWS), int32(ROWS, 2), int32(EXPERTS), 3),
                groupedLinear(),
                new RouterLosses(List.of(new RouterLosses.Layer(half(ROWS, EXPERTS), half(ROWS, EXPERTS)),
                        new RouterLosses.Layer(half(ROWS, EXPERTS), half(ROWS, EXPERTS))), float32(ROWS), float32(1), float32(2), 2, 0.01f, 0.001f),
                groupedLinearBackward(),
                new RouterStatistics(half(ROWS, EXPERTS), int32(ROWS, 2), int32(ROWS, 2), float32(ROWS), float32(EXPERTS + 3),
                        RouterScoring.SIGMOID),
                new Jitter(half(ROWS, IN), half(ROWS, IN), int64(2), 7, 0.1f, false),
                new AttentionSink(half(ROWS, 16), float32(2, 4, 3), float32(4)),
                new AttentionSinkBackward(half(ROWS, 16), half(ROWS, 16), float32(2, 4, 3), float32(4), float32(4)),
                new Combine(half(2 * ROWS, IN), float32(ROWS, 2), int32(ROWS, 2), half(ROWS, IN)),
                new CombineBackward(half(ROWS, IN), half(2 * ROWS, IN), float32(ROWS, 2), int32(ROWS, 2), half(2 * ROWS, IN),
                        float32(ROWS, 2)));
    }

    LoraLinear loraLinear() {
        return new LoraLinear(float32(ROWS, IN), packed(OUT, IN), float32(OUT), float32(RANK, IN), float32(OUT, RANK),
                float32(ROWS, OUT), float32(ROWS, RANK), int64(2), 3, 2f, 0.1f);
    }

    LoraLinearBackward loraLinearBackward() {
        return new LoraLinearBackward(float32(ROWS, OUT), float32(ROWS, IN), float32(ROWS, RANK), packed(OUT, IN),
                float32(RANK, IN), float32(OUT, RANK), float32(ROWS, IN), float32(RANK, IN), float32(OUT, RANK),
                float32(OUT, IN), float32(OUT), int64(2), 3, 2f, 0.1f, true);
    }

    LoraLinear projections() {
        var second = loraLinear().projections().getFirst();
        var plain = new LoraLinear.Projection(packed(5, IN), null, null, null, float32(ROWS, 5), null, 0f);
        return new LoraLinear(float32(ROWS, IN), List.of(plain, second), null, 0, 0f);
    }

    LoraLinearBackward projectionsBackward() {
        var second = loraLinearBackward().projections().getFirst();
        var plain = new LoraLinearBackward.Projection(
                float32(ROWS, 5), null, packed(5, IN), null, null, null, null, null, null, 0f);
        return new LoraLinearBackward(float32(ROWS, IN), float32(ROWS, IN), List.of(plain, second), null, 0, 0f, true);
    }

    /** Two tokens' rows for each of four experts; the last two have no adapter. */
    GroupedLinear groupedLinear() {
        var adapters = ExpertAdapters.chosen(EXPERTS, List.of(0, 1));
        return new GroupedLinear(float32(ROWS, IN), int32(EXPERTS + 1), int32(2 * ROWS), 2, adapters, List.of(new GroupedLinear.Projection(
                experts(), float32(EXPERTS, OUT), float32(2, RANK, IN), float32(2, OUT, RANK), float32(2 * ROWS, OUT),
                float32(2 * ROWS, RANK), 2f)));
    }

    GroupedLinearBackward groupedLinearBackward() {
        var adapters = ExpertAdapters.chosen(EXPERTS, List.of(0, 1));
        return new GroupedLinearBackward(float32(ROWS, IN), float32(ROWS, IN), int32(EXPERTS + 1), int32(2 * ROWS), int32(ROWS, 2), 2,
                adapters, List.of(new GroupedLinearBackward.Projection(
                        float32(2 * ROWS, OUT), float32(2 * ROWS, RANK), experts(), float32(2, RANK, IN), float32(2, OUT, RANK),
                        float32(2, RANK, IN), float32(2, OUT, RANK), float32(EXPERTS, OUT, IN), float32(EXPERTS, OUT), 2f)), true);
    }

    private List<Matrix> experts() {
        return IntStream.range(0, EXPERTS).mapToObj(e -> packed(OUT, IN)).toList();
    }

    /** Two samples of three tokens, four heads of four, two of keys and values, fused in one matrix. */
    Attention attention() {
        var fused = float32(ROWS, 32);
        return new Attention(new Columns(fused, 0, 16), new Columns(fused, 16, 8), new Columns(fused, 24, 8),
                float32(ROWS, 16), float32(2, 4, 3), int32(2, 3), int32(2, 3), 4, 0, 0.5f, 0f);
    }

    AttentionBackward attentionBackward() {
        var fused = float32(ROWS, 32);
        var gradient = float32(ROWS, 32);
        return new AttentionBackward(float32(ROWS, 16), new Columns(fused, 0, 16), new Columns(fused, 16, 8),
                new Columns(fused, 24, 8), float32(ROWS, 16), float32(2, 4, 3), int32(2, 3), int32(2, 3),
                new Columns(gradient, 0, 16), new Columns(gradient, 16, 8), new Columns(gradient, 24, 8), 4, 0, 0.5f, 0f);
    }

    static Tensor tensor(DType dtype, long... dims) {
        return Tensor.unplaced(TensorSpec.of(dtype, dims));
    }

    static Tensor float32(long... dims) {
        return tensor(FLOAT32, dims);
    }

    static Tensor half(long... dims) {
        return tensor(BFLOAT16, dims);
    }

    static Tensor int32(long... dims) {
        return tensor(INT32, dims);
    }

    static Tensor int64(long... dims) {
        return tensor(INT64, dims);
    }

    static Matrix rowMajor(DType dtype, long rows, long columns) {
        return Matrix.rowMajor(tensor(dtype, rows, columns));
    }

    static Matrix fourBit(long rows, long columns) {
        var absmax = float32(QuantType.NF4.rowMajorScales(rows, columns));
        return new Matrix(rows, columns, Layout.ROW_MAJOR, tensor(UINT8, QuantType.NF4.rowMajorBytes(rows, columns)),
                new Quantization.FourBit(QuantType.NF4, absmax, null));
    }

    static Matrix rowWise(long rows, long columns) {
        var outliers = new Quantization.Outliers(int32(2), half(2, rows));
        return new Matrix(rows, columns, Layout.ROW_MAJOR, tensor(DType.INT8, rows, columns),
                new Quantization.RowWise8(float32(rows), outliers));
    }

    Matrix packed(long rows, long columns) {
        long bytes = packedBytes.applyAsLong(new Matrix(rows, columns, Layout.PACKED, FLOAT32, null));
        return new Matrix(rows, columns, Layout.PACKED, FLOAT32, tensor(UINT8, bytes));
    }
}
