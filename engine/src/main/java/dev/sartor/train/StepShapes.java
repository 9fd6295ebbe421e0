package dev.sartor.train;

import dev.sartor.device.Device;
import dev.sartor.device.Instruction;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Substitution;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.tape.Layouts;
import dev.sartor.tape.Lifetimes;
import dev.sartor.tape.Scratch;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/**
 * The slab and scratch of a training step for all batch shapes between two, from the recordings of those
 * two. Storages grow linearly with the tokens; where a place was decided the same way for both ends, it
 * was for what lies between ({@link Lifetimes.Layout}). What cannot be told so is recorded itself.
 */
final class StepShapes {
    private final LanguageModel model;
    private final Recompute recompute;
    private final BatchShape small;
    private final BatchShape large;
    private final Lifetimes smallest;
    private final Lifetimes largest;
    private final long[] smallBytes;
    private final long[] perToken;
    private final Layouts layouts;
    private final Lifetimes.Layout smallLayout;
    private final Lifetimes.Layout largeLayout;

    /**
     * @param small with the fewest rows and tokens
     * @param large with the most of both
     * @param layouts found for other steps
     */
    StepShapes(LanguageModel model, Recompute recompute, BatchShape small, BatchShape large, Layouts layouts) {
        this.model = model;
        this.recompute = recompute;
        this.small = small;
        this.large = large;
        this.layouts = layouts;
        smallest = lifetimes(small);
        largest = lifetimes(large);
        smallBytes = aligned(smallest);
        smallLayout = layouts.of(smallest, smallBytes);
        long[] largeBytes = aligned(largest);
        largeLayout = layouts.of(largest, largeBytes);
        long between = large.tokens() - small.tokens();
        perToken = new long[smallBytes.length];
        for (int i = 0; between > 0 && i < perToken.length; i++) {
            long growth = largeBytes[i] - smallBytes[i];
            perToken[i] = growth % between == 0 ? growth / between : -1;
        }
    }

    private static long[] aligned(Lifetimes lifetimes) {
        return Arrays.stream(lifetimes.bytes()).map(Memory::align).toArray();
    }

    private Lifetimes lifetimes(BatchShape shape) {
        return Lifetimes.of(LossStep.record(model, shape, true, recompute).recording());
    }

    /** Bytes of the slab, as the planner lays it out. */
    long slab(BatchShape shape) {
        var told = interpolated(shape.tokens());
        if (told.isPresent()) {
            return Math.max(told.getAsLong(), Memory.ALIGNMENT);
        }
        var own = lifetimes(shape);
        return Math.max(layouts.of(own, own.bytes()).bytes(), Memory.ALIGNMENT);
    }

    private OptionalLong interpolated(long tokens) {
        long between = large.tokens() - small.tokens();
        if (smallLayout.decisions() != largeLayout.decisions()) {
            return OptionalLong.empty();
        }
        long slab = 0;
        for (int i = 0; i < perToken.length; i++) {
            // Sizes are multiples of the alignment for every number of tokens, or are not linear.
            if (perToken[i] < 0 || perToken[i] * (tokens - small.tokens()) % Memory.ALIGNMENT != 0) {
                return OptionalLong.empty();
            }
            long growth = largeLayout.offsets()[i] - smallLayout.offsets()[i];
            long offset = smallLayout.offsets()[i] + (between == 0 ? 0 : growth / between * (tokens - small.tokens()));
            slab = Math.max(slab, offset + smallBytes[i] + perToken[i] * (tokens - small.tokens()));
        }
        return OptionalLong.of(slab);
    }

    /**
     * The largest scratch of any instruction.
     *
     * @param weights what takes the place of each weight that was recorded
     * @return bytes for each shape
     */
    long[] scratch(List<BatchShape> shapes, Device device, UnaryOperator<Matrix> weights) {
        var kinds = new Scratch.Kinds();
        var exchange = new Substitution(tensor -> tensor, weights);
        long[] most = new long[shapes.size()];
        Arrays.fill(most, Memory.ALIGNMENT);
        for (int i = 0; i < smallest.instructions().size(); i++) {
            var kernel = smallest.instructions().get(i).kernel().with(exchange);
            if (kinds.add(kernel)) {
                var where = smallest.instructions().get(i).where();
                var largeKernel = largest.instructions().get(i).kernel().with(exchange);
                for (int at = 0; at < most.length; at++) {
                    long bytes = device.scratchBytes(new Instruction(resized(kernel, largeKernel, shapes.get(at)), where));
                    most[at] = Math.max(most[at], Memory.align(bytes));
                }
            }
        }
        return most;
    }

    /** The kernel as it would be for another batch shape, from what it is for the smallest and the largest. */
    private Kernel resized(Kernel from, Kernel to, BatchShape shape) {
        var smallTensors = tensors(from);
        var largeTensors = tensors(to);
        return from.with(new Substitution(tensor -> {
            for (int at = 0; at < smallTensors.size(); at++) {
                if (smallTensors.get(at) == tensor) {
                    return resized(tensor.spec(), largeTensors.get(at).spec(), shape);
                }
            }
            return tensor;
        }, weight -> weight));
    }

    private static List<Tensor> tensors(Kernel kernel) {
        var tensors = new ArrayList<>(kernel.reads());
        tensors.addAll(kernel.writes());
        return tensors;
    }

    /** The tensor whose dimensions follow the batch as they do in the two recordings. */
    private Tensor resized(TensorSpec from, TensorSpec to, BatchShape shape) {
        long[] dims = from.shape().toArray();
        for (int i = 0; i < dims.length; i++) {
            dims[i] = resized(dims[i], to.shape().dim(i), shape);
        }
        var spec = TensorSpec.of(from.dtype(), dims);
        return new Tensor(spec, new Storage(spec.bytes()), 0);
    }

    private long resized(long from, long to, BatchShape shape) {
        if (from == to) {
            return from;
        } else if (from % small.tokens() == 0 && to % large.tokens() == 0 && from / small.tokens() == to / large.tokens()) {
            return from / small.tokens() * shape.tokens();
        } else if (from == small.length() && to == large.length()) {
            return shape.length();
        } else if (from == small.rows() && to == large.rows()) {
            return shape.rows();
        }
        throw new IllegalStateException("a dimension is " + from + " for " + small + " and " + to + " for " + large);
    }
}
