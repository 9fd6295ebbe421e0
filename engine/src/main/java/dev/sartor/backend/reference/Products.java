package dev.sartor.backend.reference;

/** The three matrix products of a linear layer, on dense row-major arrays. */
final class Products {
    private Products() {}

    /** x W^T: [rows, in] and [out, in] to [rows, out]. */
    static double[] forward(double[] x, double[] w, int rows, int in, int out) {
        var y = new double[rows * out];
        for (int t = 0; t < rows; t++) {
            for (int o = 0; o < out; o++) {
                double sum = 0;
                for (int i = 0; i < in; i++) {
                    sum += x[t * in + i] * w[o * in + i];
                }
                y[t * out + o] = sum;
            }
        }
        return y;
    }

    /** dy W: [rows, out] and [out, in] to [rows, in]. */
    static double[] inputGradient(double[] dy, double[] w, int rows, int in, int out) {
        var dx = new double[rows * in];
        for (int t = 0; t < rows; t++) {
            for (int o = 0; o < out; o++) {
                double factor = dy[t * out + o];
                for (int i = 0; i < in; i++) {
                    dx[t * in + i] += factor * w[o * in + i];
                }
            }
        }
        return dx;
    }

    /** dy^T x: [rows, out] and [rows, in] to [out, in]. */
    static double[] weightGradient(double[] dy, double[] x, int rows, int in, int out) {
        var dw = new double[out * in];
        for (int t = 0; t < rows; t++) {
            for (int o = 0; o < out; o++) {
                double factor = dy[t * out + o];
                for (int i = 0; i < in; i++) {
                    dw[o * in + i] += factor * x[t * in + i];
                }
            }
        }
        return dw;
    }

    static double[] columnSums(double[] x, int rows, int width) {
        var sums = new double[width];
        for (int t = 0; t < rows; t++) {
            for (int i = 0; i < width; i++) {
                sums[i] += x[t * width + i];
            }
        }
        return sums;
    }

    static double[] scaled(double[] x, double factor) {
        var y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = factor * x[i];
        }
        return y;
    }

    /** x * factors by element; null factors stand for all ones. */
    static double[] masked(double[] x, double[] factors) {
        if (factors == null) {
            return x;
        }
        var y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[i] * factors[i];
        }
        return y;
    }
}
