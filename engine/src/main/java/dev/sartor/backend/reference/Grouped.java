package dev.sartor.backend.reference;

import static dev.sartor.backend.reference.Products.columnSums;
import static dev.sartor.backend.reference.Products.scaled;

import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.ExpertAdapters;
import dev.sartor.device.kernel.GroupedLinear;
import dev.sartor.device.kernel.GroupedLinearBackward;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** The experts' linear layers with their adapters, and their gradients: expert by expert. */
final class Grouped {
    private Grouped() {}

    static void forward(GroupedLinear k, Operands use) {
        int in = use.size(k.x().shape().last());
        int rows = use.size(use.rows("x", k.x(), in) * (long) k.topK());
        int experts = use.size(k.offsets().shape().elements() - 1);
        int[] offsets = offsets(k.offsets(), experts, rows, use);
        double[] x = gathered(use.read("x", k.x()), k.permutation(), k.topK(), offsets[experts], rows, in, use);
        for (var p : k.projections()) {
            int out = out(p.weights(), experts, use);
            int rank = rank(p.loraA(), p.loraB(), k.adapters(), use);
            double[] bias = use.readOptional("bias", p.bias(), (long) experts * out);
            var y = new double[rows * out];
            var h = new double[rows * rank];
            for (int e = 0; e < experts; e++) {
                int first = offsets[e];
                int count = offsets[e + 1] - first;
                double[] own = rows(x, first, count, in);
                double[] result = Products.forward(own, use.read("weight", p.weights().get(e)), count, in, out);
                for (int i = 0; bias != null && i < result.length; i++) {
                    result[i] += bias[e * out + i % out];
                }
                int adapter = adapter(k.adapters(), e, rank);
                if (adapter >= 0) {
                    double[] down = Products.forward(own, part(use, p.loraA(), adapter, rank * in), count, in, rank);
                    double[] update = Products.forward(down, part(use, p.loraB(), adapter, out * rank), count, rank, out);
                    for (int i = 0; i < result.length; i++) {
                        result[i] += p.scaling() * update[i];
                    }
                    System.arraycopy(down, 0, h, first * rank, down.length);
                }
                System.arraycopy(result, 0, y, first * out, result.length);
            }
            use.write("y", p.y(), y);
            use.write("h", p.h(), h);
        }
    }

    static void backward(GroupedLinearBackward k, Operands use) {
        int experts = use.size(k.offsets().shape().elements() - 1);
        int in = use.size(k.projections().getFirst().weights().getFirst().columns());
        int rows = use.rows("dy", k.projections().getFirst().dy(), out(k.projections().getFirst().weights(), experts, use));
        int[] offsets = offsets(k.offsets(), experts, rows, use);
        double[] x = k.x() == null ? null
                : gathered(use.read("x", k.x()), k.permutation(), k.topK(), offsets[experts], rows, in, use);
        var dx = new double[rows * in];
        for (var p : k.projections()) {
            backward(k, p, offsets, x, dx, in, use);
        }
        if (k.permutation() != null && k.dx() != null) {
            int[] inverse = Dispatches.inverse(k.inverse(), rows, use);
            var summed = new double[rows / k.topK() * in];
            for (int a = 0; a < rows; a++) {
                for (int i = 0; inverse[a] >= 0 && i < in; i++) {
                    summed[a / k.topK() * in + i] += dx[inverse[a] * in + i];
                }
            }
            dx = summed;
        }
        use.write("dx", k.dx(), dx, k.accumulate());
    }

    private static void backward(
            GroupedLinearBackward k, GroupedLinearBackward.Projection p, int[] offsets, double[] x, double[] dx, int in,
            Operands use) {
        int experts = offsets.length - 1;
        int out = out(p.weights(), experts, use);
        int rank = rank(p.loraA(), p.loraB(), k.adapters(), use);
        double[] allDy = use.read("dy", p.dy(), (long) dx.length / in * out);
        double[] allH = p.dLoraB() == null ? null : use.read("h", p.h(), (long) dx.length / in * rank);
        for (int e = 0; e < experts; e++) {
            int first = offsets[e];
            int count = offsets[e + 1] - first;
            double[] dy = rows(allDy, first, count, out);
            double[] own = x == null ? null : rows(x, first, count, in);
            if (k.dx() != null) {
                add(dx, first * in, Products.inputGradient(dy, use.read("weight", p.weights().get(e)), count, in, out));
            }
            int adapter = adapter(k.adapters(), e, rank);
            if (adapter >= 0) {
                double[] b = part(use, p.loraB(), adapter, out * rank);
                double[] g = scaled(Products.inputGradient(dy, b, count, rank, out), p.scaling());
                if (k.dx() != null) {
                    add(dx, first * in, Products.inputGradient(g, part(use, p.loraA(), adapter, rank * in), count, in, rank));
                }
                if (p.dLoraA() != null) {
                    addTo(use, "dLoraA", p.dLoraA(), adapter, Products.weightGradient(g, own, count, in, rank));
                    double[] h = rows(allH, first, count, rank);
                    addTo(use, "dLoraB", p.dLoraB(), adapter, scaled(Products.weightGradient(dy, h, count, rank, out), p.scaling()));
                }
            }
            if (p.dWeight() != null) {
                addTo(use, "dWeight", p.dWeight(), e, Products.weightGradient(dy, own, count, in, out));
            }
            if (p.dBias() != null) {
                addTo(use, "dBias", p.dBias(), e, columnSums(dy, count, out));
            }
        }
    }

    private static int[] offsets(Tensor tensor, int experts, int rows, Operands use) {
        int[] offsets = use.readInts("offsets", tensor, experts + 1L);
        for (int e = 0; e <= experts; e++) {
            int least = e == 0 ? 0 : offsets[e - 1];
            int most = e == 0 ? 0 : rows;
            use.require(offsets[e] >= least && offsets[e] <= most,
                    "offsets[" + e + "] is " + offsets[e] + ", must be in [" + least + ", " + most + "]");
        }
        return offsets;
    }

    private static double[] gathered(
            double[] x, Tensor permutation, int topK, int kept, int rows, int in, Operands use) {
        if (permutation == null) {
            return x;
        }
        int[] assignments = use.readInts("permutation", permutation, rows);
        var gathered = new double[rows * in];
        for (int r = 0; r < kept; r++) {
            use.requireIndex("permutation", r, assignments[r], rows);
            System.arraycopy(x, assignments[r] / topK * in, gathered, r * in, in);
        }
        return gathered;
    }

    private static int out(List<Matrix> weights, int experts, Operands use) {
        use.require(weights.size() == experts, weights.size() + " weights for " + experts + " experts");
        return use.size(weights.getFirst().rows());
    }

    private static int rank(Tensor a, Tensor b, ExpertAdapters adapters, Operands use) {
        use.require((a == null) == (b == null), "loraA and loraB are given both or neither");
        use.require(a == null || (adapters != null && adapters.count() > 0), "loraA without adapters");
        return a == null ? 0 : use.size(a.shape().rows() / adapters.count());
    }

    private static int adapter(ExpertAdapters adapters, int expert, int rank) {
        return rank == 0 ? ExpertAdapters.NONE : adapters.ofExpert().get(expert);
    }

    private static double[] rows(double[] x, int first, int count, int width) {
        return Arrays.copyOfRange(x, first * width, (first + count) * width);
    }

    /** One of equal parts of a tensor. */
    private static double[] part(Operands use, Tensor tensor, int index, int elements) {
        return Arrays.copyOfRange(use.read("adapter", tensor), index * elements, (index + 1) * elements);
    }

    private static void addTo(Operands use, String name, Tensor tensor, int index, double[] values) {
        var flat = tensor.reshape(tensor.shape().elements() / values.length, values.length);
        use.write(name, flat.slice(index, 1), values, true);
    }

    private static void add(double[] to, int first, double[] values) {
        for (int i = 0; i < values.length; i++) {
            to[first + i] += values[i];
        }
    }
}
