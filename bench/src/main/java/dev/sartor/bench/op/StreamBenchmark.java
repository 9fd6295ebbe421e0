package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.Program;
import dev.sartor.device.QuantType;
import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationBackward;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.CacheWrite;
import dev.sartor.device.kernel.CheckFinite;
import dev.sartor.device.kernel.ColumnScale;
import dev.sartor.device.kernel.ColumnScaleBackward;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Dropout;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.EmbeddingBackward;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LayerNorm;
import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Quantize;
import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.device.kernel.Rope;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * Kernels that memory alone can hold up, on activations of 16384 x 1024, which no cache keeps. Norms
 * go backward for a frozen weight, as LoRA needs it; convert goes from float32.
 */
public class StreamBenchmark extends KernelBenchmark {
    private static final int ROWS = 16384;
    private static final int WIDTH = 1024;
    private static final int VOCABULARY = 32000;
    private static final int HEAD_DIM = 64;
    private static final float EPSILON = 1e-5f;

    /** What runs. */
    public enum Stream {
        RMS_NORM, RMS_NORM_BACKWARD, LAYER_NORM, LAYER_NORM_BACKWARD, SWIGLU, SWIGLU_BACKWARD, GELU_TANH, ROPE,
        EMBEDDING, EMBEDDING_BACKWARD, ADD, DROPOUT, COLUMN_SCALE, COLUMN_SCALE_BACKWARD, CACHE_WRITE, CONVERT, ZERO,
        CHECK_FINITE, PACK, UNPACK, QUANTIZE_NF4, QUANTIZE_INT8
    }

    @Param
    public Stream kernel;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program program;

    @Override
    protected void prepare() {
        switch (kernel) {
            case RMS_NORM -> stream(new RmsNorm(activations(), vector(), target(), statistics(), EPSILON));
            case RMS_NORM_BACKWARD -> stream(
                    new RmsNormBackward(activations(), activations(), vector(), statistics(), target(), null, false));
            case LAYER_NORM -> stream(
                    new LayerNorm(activations(), vector(), vector(), target(), statistics(), statistics(), EPSILON));
            case LAYER_NORM_BACKWARD -> stream(new LayerNormBackward(
                    activations(), activations(), vector(), statistics(), statistics(), target(), null, null, false));
            case SWIGLU -> stream(new Activation(activations(), activations(), target(), ActivationKind.SILU));
            case SWIGLU_BACKWARD -> stream(new ActivationBackward(
                    activations(), activations(), activations(), target(), target(), ActivationKind.SILU));
            case GELU_TANH -> stream(new Activation(activations(), null, target(), ActivationKind.GELU_TANH));
            case ROPE -> rope();
            case EMBEDDING -> {
                var table = Matrix.rowMajor(normal(dtype, VOCABULARY, WIDTH));
                var y = target();
                // The table's rows that are read are as large as y.
                measure(new Work(0, 2.0 * y.spec().bytes()), new Embedding(table, ints(VOCABULARY, ROWS), y, false));
            }
            case EMBEDDING_BACKWARD -> {
                var dy = activations();
                double added = 2.0 * ROWS * WIDTH * DType.FLOAT32.bytes();
                measure(new Work(0, dy.spec().bytes() + added),
                        new EmbeddingBackward(dy, ints(VOCABULARY, ROWS), zeros(DType.FLOAT32, VOCABULARY, WIDTH)));
            }
            case ADD -> stream(new Add(activations(), activations(), target(), 1, 1));
            case DROPOUT -> stream(new Dropout(activations(), target(), zeros(DType.INT64, 2), 0, 0.1f, false));
            case COLUMN_SCALE -> stream(new ColumnScale(activations(), vector(), null, target()));
            case COLUMN_SCALE_BACKWARD -> stream(new ColumnScaleBackward(
                    activations(), activations(), vector(), target(), zeros(DType.FLOAT32, WIDTH), null, false));
            case CACHE_WRITE -> stream(new CacheWrite(Columns.of(activations()), zeros(dtype, 1, ROWS, WIDTH),
                    ints(IntStream.range(0, ROWS).toArray(), 1, ROWS)));
            case CONVERT -> stream(new Convert(normal(DType.FLOAT32, ROWS, WIDTH), target()));
            case ZERO -> stream(new Zero(target()));
            case CHECK_FINITE -> stream(new CheckFinite(activations(), zeros(DType.INT64, 1)));
            case PACK -> stream(new Pack(activations(), panels(), false));
            case UNPACK -> stream(new Unpack(packed(activations()), zeros(DType.FLOAT32, ROWS, WIDTH), 0));
            case QUANTIZE_NF4 -> stream(new Quantize(activations(), quantizedTarget(ROWS, WIDTH, QuantType.NF4), false));
            case QUANTIZE_INT8 -> stream(new Quantize(activations(), quantizedTarget(ROWS, WIDTH, QuantType.INT8), false));
        }
    }

    private void rope() {
        var angles = zeros(DType.FLOAT32, ROWS, HEAD_DIM / 2);
        stream(new Rope(Columns.of(activations()), Columns.of(target()), angles, angles,
                ints(IntStream.range(0, ROWS).toArray(), ROWS), HEAD_DIM, false, false, false));
    }

    private void stream(Kernel kernel) {
        measure(Work.streaming(kernel), kernel);
    }

    private void measure(Work work, Kernel kernel) {
        program = measured("run", work, kernel);
    }

    private Tensor activations() {
        return normal(dtype, ROWS, WIDTH);
    }

    private Tensor target() {
        return zeros(dtype, ROWS, WIDTH);
    }

    private Tensor vector() {
        return normal(DType.FLOAT32, WIDTH);
    }

    private Tensor statistics() {
        return normal(DType.FLOAT32, ROWS);
    }

    private Matrix panels() {
        return new Matrix(ROWS, WIDTH, Layout.PACKED, dtype, zeros(DType.UINT8, device().packedBytes(ROWS, WIDTH, dtype)));
    }

    @Benchmark
    public void run() {
        submit(program);
    }
}
