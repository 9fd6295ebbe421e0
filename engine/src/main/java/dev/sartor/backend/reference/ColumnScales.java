package dev.sartor.backend.reference;

import dev.sartor.device.kernel.ColumnScale;
import dev.sartor.device.kernel.ColumnScaleBackward;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.device.kernel.DoraScaleBackward;

/** DoRA's weight normalization (Liu et al. 2024, section 4.3), and scaling by columns. */
final class ColumnScales {
    private ColumnScales() {}

    static void dora(DoraScale k, Operands use) {
        int in = use.size(k.weight().columns());
        int out = use.size(k.weight().rows());
        int rank = use.rows("loraA", k.loraA(), in);
        use.require((k.magnitude() == null) == (k.scale() == null), "magnitude and scale are given both or neither");
        double[] w = use.read("weight", k.weight());
        double[] a = use.read("loraA", k.loraA());
        double[] b = use.read("loraB", k.loraB(), (long) out * rank);
        double[] update = Products.inputGradient(b, a, out, in, rank);
        var norm = new double[out];
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int i = 0; i < in; i++) {
                double merged = w[o * in + i] + k.scaling() * update[o * in + i];
                sum += merged * merged;
            }
            norm[o] = Math.sqrt(sum);
        }
        use.write("norm", k.norm(), norm);
        if (k.magnitude() != null) {
            double[] scale = use.read("magnitude", k.magnitude(), out);
            for (int o = 0; o < out; o++) {
                scale[o] /= norm[o];
            }
            use.write("scale", k.scale(), scale);
        }
    }

    static void doraBackward(DoraScaleBackward k, Operands use) {
        double[] gradient = use.read("dScale", k.dScale());
        double[] norm = use.read("norm", k.norm(), gradient.length);
        for (int o = 0; o < gradient.length; o++) {
            gradient[o] /= norm[o];
        }
        use.write("dMagnitude", k.dMagnitude(), gradient, true);
    }

    static void forward(ColumnScale k, Operands use) {
        double[] scale = use.read("scale", k.scale());
        int width = scale.length;
        use.rows("x", k.x(), width);
        double[] bias = use.readOptional("bias", k.bias(), width);
        double[] y = use.read("x", k.x());
        for (int i = 0; i < y.length; i++) {
            y[i] = y[i] * scale[i % width] + (bias == null ? 0 : bias[i % width]);
        }
        use.write("y", k.y(), y);
    }

    static void backward(ColumnScaleBackward k, Operands use) {
        double[] scale = use.read("scale", k.scale());
        int width = scale.length;
        int rows = use.rows("dy", k.dy(), width);
        double[] dy = use.read("dy", k.dy());
        if (k.dScale() != null) {
            double[] x = use.read("x", k.x(), dy.length);
            use.write("dScale", k.dScale(), Products.columnSums(Products.masked(dy, x), rows, width));
        }
        if (k.dBias() != null) {
            use.write("dBias", k.dBias(), Products.columnSums(dy, rows, width), true);
        }
        if (k.dx() != null) {
            var dx = new double[dy.length];
            for (int i = 0; i < dx.length; i++) {
                dx[i] = dy[i] * scale[i % width];
            }
            use.write("dx", k.dx(), dx, k.accumulate());
        }
    }
}
