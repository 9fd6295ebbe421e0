package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Causal attention: batch 4, 12 heads of 64. */
public class AttentionBenchmark extends KernelBenchmark {
    private static final int BATCH = 4;
    private static final int HEADS = 12;
    private static final int HEAD_DIM = 64;
    private static final long WIDTH = (long) HEADS * HEAD_DIM;
    private static final float SCALE = (float) (1 / Math.sqrt(HEAD_DIM));

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    @Param({"256", "1024"})
    public int length;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        long tokens = (long) BATCH * length;
        int[] ends = new int[BATCH * length];
        for (int i = 0; i < ends.length; i++) {
            ends[i] = i % length + 1;
        }
        var keyBegin = zeros(DType.INT32, BATCH, length);
        var keyEnd = ints(ends, BATCH, length);
        var q = Columns.of(normal(dtype, tokens, WIDTH));
        var k = Columns.of(normal(dtype, tokens, WIDTH));
        var v = Columns.of(normal(dtype, tokens, WIDTH));
        var o = zeros(dtype, tokens, WIDTH);
        var logSumExp = zeros(DType.FLOAT32, BATCH, HEADS, length);
        forward = program(new Attention(q, k, v, o, logSumExp, keyBegin, keyEnd, HEAD_DIM, 0, SCALE, 0));
        backward = program(new AttentionBackward(
                normal(dtype, tokens, WIDTH), q, k, v, o, logSumExp, keyBegin, keyEnd,
                Columns.of(zeros(dtype, tokens, WIDTH)), Columns.of(zeros(dtype, tokens, WIDTH)),
                Columns.of(zeros(dtype, tokens, WIDTH)), HEAD_DIM, 0, SCALE, 0));
        submit(forward);
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
