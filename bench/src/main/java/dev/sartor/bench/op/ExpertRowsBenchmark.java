package dev.sartor.bench.op;

import dev.sartor.bench.ExpertSizes;
import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Skew;
import dev.sartor.bench.Work;
import dev.sartor.device.Eager;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Combine;
import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.device.kernel.Dispatch;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Route;
import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.RouterLosses;
import dev.sartor.device.kernel.Routing;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * What a mixture of experts does beside its products: routing, the order of the rows, their weighted sum,
 * the gradients of these, and the routers' losses of four layers. At these sizes a cache may hold it all.
 */
public class ExpertRowsBenchmark extends KernelBenchmark {
    private static final int LAYERS = 4;

    /** What runs. */
    public enum Rows {
        ROUTE, ROUTE_BACKWARD, DISPATCH, COMBINE, COMBINE_BACKWARD, ROUTER_LOSSES
    }

    @Param
    public Rows kernel;

    @Param({"512", "2048", "8192"})
    public int tokens;

    /** Experts, top k, hidden, FFN. */
    @Param({"8x2x1024x3584", "128x8x2048x768"})
    public String experts;

    @Param
    public Skew skew;

    @Param("BFLOAT16")
    public DType dtype;

    private Program program;

    @Override
    protected void prepare() {
        var sizes = ExpertSizes.of(tokens, experts);
        int topK = sizes.topK();
        var routing = Routing.softmax(topK, true);
        var indices = ints(skew.indices(tokens, sizes.experts(), topK), tokens, topK);
        var weights = normal(DType.FLOAT32, tokens, topK);
        var inverse = zeros(DType.INT32, tokens, topK);
        var dispatch = new Dispatch(indices, zeros(DType.INT32, sizes.experts() + 1), zeros(DType.INT32, sizes.rows()), inverse,
                zeros(DType.INT32, sizes.experts()), 0);
        Eager.run(device(), "bench", dispatch);
        var kernel = switch (this.kernel) {
            case ROUTE -> new Route(logits(sizes), null, indices, weights, routing);
            case ROUTE_BACKWARD -> new RouteBackward(weights, logits(sizes), indices, zeros(dtype, tokens, sizes.experts()), routing, false);
            case DISPATCH -> dispatch;
            case COMBINE -> new Combine(rows(sizes), weights, inverse, zeros(dtype, tokens, sizes.hidden()));
            case COMBINE_BACKWARD -> new CombineBackward(normal(dtype, tokens, sizes.hidden()), rows(sizes), weights, inverse,
                    zeros(dtype, sizes.rows(), sizes.hidden()), zeros(DType.FLOAT32, tokens, topK));
            case ROUTER_LOSSES -> new RouterLosses(
                    IntStream.range(0, LAYERS)
                            .mapToObj(i -> new RouterLosses.Layer(logits(sizes), zeros(dtype, tokens, sizes.experts())))
                            .toList(),
                    null, null, zeros(DType.FLOAT32, 2), topK, 0.01f, 0.001f);
        };
        program = measured("run", Work.streaming(kernel), kernel);
    }

    private Tensor logits(ExpertSizes sizes) {
        return normal(dtype, tokens, sizes.experts());
    }

    private Tensor rows(ExpertSizes sizes) {
        return normal(dtype, sizes.rows(), sizes.hidden());
    }

    @Benchmark
    public void run() {
        submit(program);
    }
}
