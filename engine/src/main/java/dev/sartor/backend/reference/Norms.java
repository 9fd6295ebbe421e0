package dev.sartor.backend.reference;

import dev.sartor.device.kernel.LayerNorm;
import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.RmsNormBackward;
import dev.sartor.tensor.Tensor;
import java.util.Arrays;

/** Root mean square norm (Zhang and Sennrich 2019) and layer norm (Ba et al. 2016). */
final class Norms {
    private Norms() {}

    static void rms(RmsNorm k, Operands use) {
        double[] weight = use.read("weight", k.weight());
        int width = weight.length;
        int rows = use.rows("x", k.x(), width);
        double[] x = normalized(k.x(), k.residual(), k.sum(), use);
        var y = new double[x.length];
        var inverseRms = new double[rows];
        for (int t = 0; t < rows; t++) {
            double squares = 0;
            for (int i = 0; i < width; i++) {
                squares += x[t * width + i] * x[t * width + i];
            }
            inverseRms[t] = 1 / Math.sqrt(squares / width + k.epsilon());
            for (int i = 0; i < width; i++) {
                y[t * width + i] = x[t * width + i] * inverseRms[t] * weight[i];
            }
        }
        use.write("inverseRms", k.inverseRms(), inverseRms);
        use.write("y", k.y(), y);
    }

    static void rmsBackward(RmsNormBackward k, Operands use) {
        double[] weight = use.read("weight", k.weight());
        int width = weight.length;
        int rows = use.rows("x", k.x(), width);
        double[] x = use.read("x", k.x());
        double[] dy = use.read("dy", k.dy(), x.length);
        double[] inverseRms = use.read("inverseRms", k.inverseRms(), rows);
        var normalized = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            normalized[i] = x[i] * inverseRms[i / width];
        }
        if (k.dWeight() != null) {
            use.write("dWeight", k.dWeight(), Products.columnSums(Products.masked(dy, normalized), rows, width), true);
        }
        if (k.dx() != null) {
            use.write("dx", k.dx(), beside(normalizedGradient(dy, weight, normalized, inverseRms, false), k.dSum(), use), k.accumulate());
        }
    }

    static void layer(LayerNorm k, Operands use) {
        double[] weight = use.read("weight", k.weight());
        int width = weight.length;
        int rows = use.rows("x", k.x(), width);
        double[] bias = use.readOptional("bias", k.bias(), width);
        double[] x = normalized(k.x(), k.residual(), k.sum(), use);
        var y = new double[x.length];
        var mean = new double[rows];
        var inverseStd = new double[rows];
        for (int t = 0; t < rows; t++) {
            for (int i = 0; i < width; i++) {
                mean[t] += x[t * width + i] / width;
            }
            double variance = 0;
            for (int i = 0; i < width; i++) {
                double difference = x[t * width + i] - mean[t];
                variance += difference * difference / width;
            }
            inverseStd[t] = 1 / Math.sqrt(variance + k.epsilon());
            for (int i = 0; i < width; i++) {
                y[t * width + i] = (x[t * width + i] - mean[t]) * inverseStd[t] * weight[i] + (bias == null ? 0 : bias[i]);
            }
        }
        use.write("mean", k.mean(), mean);
        use.write("inverseStd", k.inverseStd(), inverseStd);
        use.write("y", k.y(), y);
    }

    static void layerBackward(LayerNormBackward k, Operands use) {
        double[] weight = use.read("weight", k.weight());
        int width = weight.length;
        int rows = use.rows("x", k.x(), width);
        double[] x = use.read("x", k.x());
        double[] dy = use.read("dy", k.dy(), x.length);
        double[] mean = use.read("mean", k.mean(), rows);
        double[] inverseStd = use.read("inverseStd", k.inverseStd(), rows);
        var normalized = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            normalized[i] = (x[i] - mean[i / width]) * inverseStd[i / width];
        }
        if (k.dWeight() != null) {
            use.write("dWeight", k.dWeight(), Products.columnSums(Products.masked(dy, normalized), rows, width), true);
        }
        if (k.dBias() != null) {
            use.write("dBias", k.dBias(), Products.columnSums(dy, rows, width), true);
        }
        if (k.dx() != null) {
            use.write("dx", k.dx(), beside(normalizedGradient(dy, weight, normalized, inverseStd, true), k.dSum(), use), k.accumulate());
        }
    }

    /** x, or its sum with the residual as the tensor holds it. */
    private static double[] normalized(Tensor x, Tensor residual, Tensor sum, Operands use) {
        double[] values = use.read("x", x);
        use.require((residual == null) == (sum == null), "residual and sum are given both or neither");
        if (residual == null) {
            return values;
        }
        double[] more = use.read("residual", residual, values.length);
        Arrays.setAll(values, i -> values[i] + more[i]);
        use.write("sum", sum, values);
        return use.read("sum", sum);
    }

    private static double[] beside(double[] dx, Tensor dSum, Operands use) {
        double[] more = use.readOptional("dSum", dSum, dx.length);
        if (more != null) {
            Arrays.setAll(dx, i -> dx[i] + more[i]);
        }
        return dx;
    }

    /**
     * With n the normalized row, g = dy * weight and s the row's inverse deviation:
     * dx = s (g - n mean(g n)), and with centering also minus s mean(g).
     */
    private static double[] normalizedGradient(
            double[] dy, double[] weight, double[] normalized, double[] inverse, boolean centered) {
        int width = weight.length;
        var dx = new double[dy.length];
        for (int t = 0; t < inverse.length; t++) {
            double along = 0;
            double mean = 0;
            for (int i = 0; i < width; i++) {
                double g = dy[t * width + i] * weight[i];
                along += g * normalized[t * width + i] / width;
                mean += g / width;
            }
            for (int i = 0; i < width; i++) {
                double g = dy[t * width + i] * weight[i];
                dx[t * width + i] = inverse[t] * (g - normalized[t * width + i] * along - (centered ? mean : 0));
            }
        }
        return dx;
    }
}
