package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Combine;
import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.device.kernel.Dispatch;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;

/** The order of a mixture of experts' rows, and the way back. */
final class Dispatches {
    private Dispatches() {}

    static void dispatch(Dispatch k, Operands use) {
        int experts = use.size(k.load().shape().elements());
        int assignments = use.size(k.indices().shape().elements());
        int[] indices = use.readIndices("indices", k.indices(), assignments, experts);
        var offsets = new int[experts + 1];
        var load = new int[experts];
        var permutation = new int[assignments];
        var inverse = new int[assignments];
        Arrays.fill(permutation, -1);
        Arrays.fill(inverse, -1);
        int row = 0;
        for (int e = 0; e < experts; e++) {
            for (int a = 0; a < assignments; a++) {
                if (indices[a] == e) {
                    load[e]++;
                    if (k.capacity() == 0 || load[e] <= k.capacity()) {
                        permutation[row] = a;
                        inverse[a] = row++;
                    }
                }
            }
            offsets[e + 1] = row;
        }
        use.writeInts("offsets", k.offsets(), offsets);
        use.writeInts("permutation", k.permutation(), permutation);
        use.writeInts("inverse", k.inverse(), inverse);
        use.writeInts("load", k.load(), load);
    }

    static void combine(Combine k, Operands use) {
        int width = use.size(k.out().shape().last());
        int rows = use.rows("out", k.out(), width);
        int topK = use.size(k.inverse().shape().elements() / rows);
        double[] y = use.read("y", k.y(), (long) rows * topK * width);
        double[] weights = use.readOptional("weights", k.weights(), (long) rows * topK);
        int[] inverse = inverse(k.inverse(), rows * topK, use);
        var out = new double[rows * width];
        for (int a = 0; a < inverse.length; a++) {
            for (int i = 0; inverse[a] >= 0 && i < width; i++) {
                out[a / topK * width + i] += (weights == null ? 1 : weights[a]) * y[inverse[a] * width + i];
            }
        }
        use.write("out", k.out(), out);
    }

    static void combineBackward(CombineBackward k, Operands use) {
        int width = use.size(k.dOut().shape().last());
        int rows = use.rows("dOut", k.dOut(), width);
        int topK = use.size(k.inverse().shape().elements() / rows);
        double[] dOut = use.read("dOut", k.dOut());
        double[] y = k.dWeights() == null ? null : use.read("y", k.y(), (long) rows * topK * width);
        double[] weights = use.readOptional("weights", k.weights(), (long) rows * topK);
        int[] inverse = inverse(k.inverse(), rows * topK, use);
        var dy = new double[rows * topK * width];
        var dWeights = new double[rows * topK];
        for (int a = 0; a < inverse.length; a++) {
            for (int i = 0; inverse[a] >= 0 && i < width; i++) {
                double d = dOut[a / topK * width + i];
                dy[inverse[a] * width + i] = (weights == null ? 1 : weights[a]) * d;
                dWeights[a] += y == null ? 0 : d * y[inverse[a] * width + i];
            }
        }
        use.write("dy", k.dy(), dy, false);
        use.write("dWeights", k.dWeights(), dWeights, false);
    }

    static int[] inverse(Tensor tensor, int assignments, Operands use) {
        int[] inverse = use.readInts("inverse", tensor, assignments);
        for (int a = 0; a < assignments; a++) {
            if (inverse[a] != -1) {
                use.requireIndex("inverse", a, inverse[a], assignments);
            }
        }
        return inverse;
    }
}
