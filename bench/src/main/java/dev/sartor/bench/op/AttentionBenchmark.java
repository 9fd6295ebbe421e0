package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * Causal attention of 2048 tokens in rows of a length, 12 heads of 64, by turns with a product of
 * 2048 x 2048 x 2048.
 */
public class AttentionBenchmark extends KernelBenchmark {
    private static final int TOKENS = 2048;
    private static final int HEADS = 12;
    private static final int HEAD_DIM = 64;
    private static final long WIDTH = (long) HEADS * HEAD_DIM;
    private static final float SCALE = (float) (1 / Math.sqrt(HEAD_DIM));

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    @Param({"512", "2048"})
    public int length;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        int batch = TOKENS / length;
        int[] ends = new int[TOKENS];
        for (int i = 0; i < ends.length; i++) {
            ends[i] = i % length + 1;
        }
        var keyBegin = zeros(DType.INT32, batch, length);
        var keyEnd = ints(ends, batch, length);
        var q = Columns.of(normal(dtype, TOKENS, WIDTH));
        var k = Columns.of(normal(dtype, TOKENS, WIDTH));
        var v = Columns.of(normal(dtype, TOKENS, WIDTH));
        var o = zeros(dtype, TOKENS, WIDTH);
        var logSumExp = zeros(DType.FLOAT32, batch, HEADS, length);
        // One product of queries and keys: every pair that the causal mask lets through.
        double product = 2.0 * HEAD_DIM * HEADS * TOKENS * (length + 1) / 2;
        var attention = new Attention(q, k, v, o, logSumExp, keyBegin, keyEnd, HEAD_DIM, 0, SCALE, 0);
        // QK^T and PV.
        forward = measured("forward", Work.of(2 * product, attention), attention);
        var gradients = new AttentionBackward(
                normal(dtype, TOKENS, WIDTH), q, k, v, o, logSumExp, keyBegin, keyEnd,
                Columns.of(zeros(dtype, TOKENS, WIDTH)), Columns.of(zeros(dtype, TOKENS, WIDTH)),
                Columns.of(zeros(dtype, TOKENS, WIDTH)), HEAD_DIM, 0, SCALE, 0);
        // QK^T once more, then the gradients of V, P, Q and K.
        backward = measured("backward", Work.of(5 * product, gradients), gradients);
        submit(forward);
        var linear = new LoraLinear(normal(dtype, TOKENS, TOKENS), packed(normal(dtype, TOKENS, TOKENS)), null, null, null,
                zeros(dtype, TOKENS, TOKENS), null, null, 0, 0, 0);
        var gemm = program(linear);
        double flops = 2.0 * TOKENS * TOKENS * TOKENS;
        beside("forward", flops, () -> submit(gemm));
        beside("backward", flops, () -> submit(gemm));
    }

    @Benchmark
    public void forward() {
        submit(forward);
    }

    @Benchmark
    public void backward() {
        submit(backward);
    }
}
