package dev.sartor.bench.op;

import dev.sartor.bench.ExpertSizes;
import dev.sartor.bench.KernelBenchmark;
import dev.sartor.bench.Skew;
import dev.sartor.bench.WeightKind;
import dev.sartor.bench.Work;
import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Dispatch;
import dev.sartor.device.kernel.GroupedLinear;
import dev.sartor.device.kernel.GroupedLinearBackward;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * The products of a layer of experts: gate and up, whose rows are gathered from the tokens', and down; and
 * the gradients to their inputs. By turns with the same arithmetic on one weight of each, of the same kind.
 */
public class GroupedLinearBenchmark extends KernelBenchmark {
    @Param({"512", "2048", "8192"})
    public int tokens;

    /** Experts, top k, hidden, FFN. */
    @Param({"8x2x1024x3584", "128x8x2048x768"})
    public String experts;

    @Param
    public Skew skew;

    @Param({"DENSE", "NF4", "INT8"})
    public WeightKind weight;

    @Param({"FLOAT32", "BFLOAT16"})
    public DType dtype;

    private Program forward;
    private Program inputGradient;

    /** A product's weights and its output, which is the gradient's input. */
    private record Product(List<Matrix> weights, Tensor y) {
        GroupedLinear.Projection forward() {
            return new GroupedLinear.Projection(weights, null, null, null, y, null, 0);
        }

        GroupedLinearBackward.Projection backward() {
            return new GroupedLinearBackward.Projection(y, null, weights, null, null, null, null, null, null, 0);
        }

        LoraLinear.Projection dense() {
            return new LoraLinear.Projection(weights.getFirst(), null, null, null, y, null, 0);
        }

        LoraLinearBackward.Projection denseBackward() {
            return new LoraLinearBackward.Projection(y, null, weights.getFirst(), null, null, null, null, null, null, 0);
        }
    }

    @Override
    protected void prepare() {
        var sizes = ExpertSizes.of(tokens, experts);
        int rows = sizes.rows();
        var indices = ints(skew.indices(tokens, sizes.experts(), sizes.topK()), tokens, sizes.topK());
        var offsets = zeros(DType.INT32, sizes.experts() + 1);
        var permutation = zeros(DType.INT32, rows);
        var inverse = zeros(DType.INT32, tokens, sizes.topK());
        Eager.run(device(), "bench", new Dispatch(indices, offsets, permutation, inverse, zeros(DType.INT32, sizes.experts()), 0));
        var x = normal(dtype, tokens, sizes.hidden());
        var grouped = normal(dtype, rows, sizes.hidden());
        var inner = normal(dtype, rows, sizes.ffn());
        var gateAndUp = List.of(product(sizes, sizes.ffn(), sizes.hidden()), product(sizes, sizes.ffn(), sizes.hidden()));
        var down = List.of(product(sizes, sizes.hidden(), sizes.ffn()));
        var kernels = new Kernel[] {
            new GroupedLinear(x, offsets, permutation, sizes.topK(), null, gateAndUp.stream().map(Product::forward).toList()),
            new GroupedLinear(inner, offsets, null, 1, null, down.stream().map(Product::forward).toList())
        };
        forward = measured("forward", Work.of(sizes.flops(), kernels), kernels);
        var dense = program(
                new LoraLinear(grouped, gateAndUp.stream().map(Product::dense).toList(), null, 0, 0),
                new LoraLinear(inner, down.stream().map(Product::dense).toList(), null, 0, 0));
        beside("forward", sizes.flops(), () -> submit(dense));
        var gradients = new Kernel[] {
            new GroupedLinearBackward(null, inner, offsets, null, null, 1, null, down.stream().map(Product::backward).toList(), false),
            new GroupedLinearBackward(null, x, offsets, permutation, inverse, sizes.topK(), null,
                    gateAndUp.stream().map(Product::backward).toList(), false)
        };
        inputGradient = measured("inputGradient", Work.of(sizes.flops(), gradients), gradients);
        var denseGradient = program(
                new LoraLinearBackward(null, inner, down.stream().map(Product::denseBackward).toList(), null, 0, 0, false),
                new LoraLinearBackward(null, grouped, gateAndUp.stream().map(Product::denseBackward).toList(), null, 0, 0, false));
        beside("inputGradient", sizes.flops(), () -> submit(denseGradient));
    }

    private Product product(ExpertSizes sizes, long out, long in) {
        return new Product(copies(weight(dtype, out, in), weight, sizes.experts()), normal(dtype, sizes.rows(), out));
    }

    @Benchmark
    public void forward() {
        submit(forward);
    }

    @Benchmark
    public void inputGradient() {
        submit(inputGradient);
    }
}
