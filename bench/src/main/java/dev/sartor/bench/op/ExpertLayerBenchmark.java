package dev.sartor.bench.op;

import dev.sartor.bench.ExpertLayer;
import dev.sartor.bench.ExpertSizes;
import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Skew;
import dev.sartor.bench.WeightKind;
import dev.sartor.bench.Work;
import dev.sartor.device.Program;
import dev.sartor.tensor.DType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * A whole layer of experts, from its input to its output and back, by turns with its experts alone on rows
 * that come in their order and leave in it: what lies between the two is the router, routing, permutation
 * and un-permutation.
 */
public class ExpertLayerBenchmark extends KernelBenchmark {
    @Param({"512", "2048", "8192"})
    public int tokens;

    /** Experts, top k, hidden, FFN. */
    @Param({"8x2x1024x3584", "128x8x2048x768"})
    public String experts;

    @Param
    public Skew skew;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program forward;
    private Program backward;

    @Override
    protected void prepare() {
        var sizes = ExpertSizes.of(tokens, experts);
        var layer = new ExpertLayer(this, sizes, dtype, WeightKind.DENSE, skew);
        forward = measured("forward", Work.of(sizes.flops(), layer.forward()), layer.forward());
        backward = measured("backward", Work.of(sizes.flops(), layer.backward()), layer.backward());
        submit(forward);
        var expertsForward = program(layer.expertsForward());
        var expertsBackward = program(layer.expertsBackward());
        beside("forward", sizes.flops(), () -> submit(expertsForward));
        beside("backward", sizes.flops(), () -> submit(expertsBackward));
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
