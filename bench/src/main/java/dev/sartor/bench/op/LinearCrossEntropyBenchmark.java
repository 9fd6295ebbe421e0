package dev.sartor.bench.op;

import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.LinearCrossEntropy;
import dev.sartor.device.kernel.Logits;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Projection of 1024 tokens of width 768 to 32000 words, and cross-entropy; with and without the gradient of x; the projection alone. */
public class LinearCrossEntropyBenchmark extends KernelBenchmark {
    private static final long TOKENS = 1024;
    private static final long WIDTH = 768;
    private static final int VOCABULARY = 32000;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program loss;
    private Program lossAndGradient;
    private Program logits;

    @Override
    protected void prepare() {
        var x = normal(dtype, TOKENS, WIDTH);
        var weight = packed(normal(dtype, VOCABULARY, WIDTH));
        var targets = ints(VOCABULARY, TOKENS);
        var losses = zeros(DType.FLOAT32, TOKENS);
        double product = 2.0 * TOKENS * WIDTH * VOCABULARY;
        var alone = new LinearCrossEntropy(x, weight, null, targets, null, losses, null, null, null, 0);
        loss = measured("loss", Work.of(product, alone), alone);
        var both = new LinearCrossEntropy(
                x, weight, null, targets, null, losses, zeros(dtype, TOKENS, WIDTH), null, null, 0);
        lossAndGradient = measured("lossAndGradient", Work.of(2 * product, both), both);
        var projection = new Logits(x, weight, null, zeros(DType.FLOAT32, TOKENS, VOCABULARY), 0);
        logits = measured("logits", Work.of(product, projection), projection);
    }

    @Benchmark
    public void loss() {
        submit(loss);
    }

    @Benchmark
    public void lossAndGradient() {
        submit(lossAndGradient);
    }

    @Benchmark
    public void logits() {
        submit(logits);
    }
}
