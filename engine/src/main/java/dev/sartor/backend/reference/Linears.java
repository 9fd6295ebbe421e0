package dev.sartor.backend.reference;

import static dev.sartor.backend.reference.Products.columnSums;
import static dev.sartor.backend.reference.Products.masked;
import static dev.sartor.backend.reference.Products.scaled;

import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.device.kernel.MatMul;
import dev.sartor.tensor.Tensor;

/** Linear layers with a low-rank adapter (Hu et al. 2021, section 4.1), their gradients, and plain products. */
final class Linears {
    private Linears() {}

    static void forward(LoraLinear k, Operands use) {
        int in = use.size(k.weight().columns());
        int out = use.size(k.weight().rows());
        int rows = use.rows("x", k.x(), in);
        int rank = rank(k.loraA(), k.loraB(), use);
        double[] x = use.read("x", k.x());
        double[] bias = use.readOptional("bias", k.bias(), out);
        double[] y = Products.forward(x, use.read("weight", k.weight()), rows, in, out);
        if (bias != null) {
            for (int i = 0; i < y.length; i++) {
                y[i] += bias[i % out];
            }
        }
        if (rank > 0) {
            double[] a = use.read("loraA", k.loraA(), (long) rank * in);
            double[] b = use.read("loraB", k.loraB(), (long) out * rank);
            double[] dropped = masked(x, use.dropoutFactors(k.rng(), k.site(), k.dropout(), x.length));
            double[] h = Products.forward(dropped, a, rows, in, rank);
            double[] update = Products.forward(h, b, rows, rank, out);
            for (int i = 0; i < y.length; i++) {
                y[i] += k.scaling() * update[i];
            }
            use.write("h", k.h(), h);
        }
        use.write("y", k.y(), y);
    }

    static void backward(LoraLinearBackward k, Operands use) {
        int in = use.size(k.weight().columns());
        int out = use.size(k.weight().rows());
        int rows = use.rows("dy", k.dy(), out);
        int rank = rank(k.loraA(), k.loraB(), use);
        use.require((k.dLoraA() == null) == (k.dLoraB() == null), "dLoraA and dLoraB are given both or neither");
        use.require(k.dLoraA() == null || rank > 0, "gradients of an adapter without loraA and loraB");
        double[] dy = use.read("dy", k.dy());
        boolean needsX = k.dLoraA() != null || k.dWeight() != null;
        double[] x = needsX ? use.read("x", k.x(), (long) rows * in) : null;
        double[] dx = k.dx() == null ? null : Products.inputGradient(dy, use.read("weight", k.weight()), rows, in, out);
        if (rank > 0 && (dx != null || k.dLoraA() != null)) {
            double[] a = use.read("loraA", k.loraA(), (long) rank * in);
            double[] b = use.read("loraB", k.loraB(), (long) out * rank);
            double[] factors = use.dropoutFactors(k.rng(), k.site(), k.dropout(), rows * in);
            double[] g = scaled(Products.inputGradient(dy, b, rows, rank, out), k.scaling());
            if (dx != null) {
                double[] throughAdapter = masked(Products.inputGradient(g, a, rows, in, rank), factors);
                for (int i = 0; i < dx.length; i++) {
                    dx[i] += throughAdapter[i];
                }
            }
            if (k.dLoraA() != null) {
                double[] h = use.read("h", k.h(), (long) rows * rank);
                use.write("dLoraA", k.dLoraA(), Products.weightGradient(g, masked(x, factors), rows, in, rank), true);
                double[] db = Products.weightGradient(dy, h, rows, rank, out);
                use.write("dLoraB", k.dLoraB(), scaled(db, k.scaling()), true);
            }
        }
        if (k.dWeight() != null) {
            use.write("dWeight", k.dWeight(), Products.weightGradient(dy, x, rows, in, out), true);
        }
        if (k.dBias() != null) {
            use.write("dBias", k.dBias(), columnSums(dy, rows, out), true);
        }
        if (dx != null) {
            use.write("dx", k.dx(), dx, k.accumulate());
        }
    }

    static void matMul(MatMul k, Operands use) {
        use.require(k.a() != null && k.b() != null && k.a().shape().rank() == 2 && k.b().shape().rank() == 2,
                "a and b must be matrices");
        int m = use.size(k.a().shape().dim(k.transposeA() ? 1 : 0));
        int inner = use.size(k.a().shape().dim(k.transposeA() ? 0 : 1));
        int n = use.size(k.b().shape().dim(k.transposeB() ? 0 : 1));
        double[] a = use.read("a", k.a());
        double[] b = use.read("b", k.b(), (long) inner * n);
        double[] addend = use.readOptional("addend", k.addend(), (long) m * n);
        var c = new double[m * n];
        for (int row = 0; row < m; row++) {
            for (int column = 0; column < n; column++) {
                double sum = 0;
                for (int i = 0; i < inner; i++) {
                    sum += a[k.transposeA() ? i * m + row : row * inner + i] * b[k.transposeB() ? column * inner + i : i * n + column];
                }
                int at = row * n + column;
                c[at] = k.alpha() * sum + (addend == null ? 0 : k.beta() * addend[at]);
            }
        }
        use.write("c", k.c(), c);
    }

    private static int rank(Tensor a, Tensor b, Operands use) {
        use.require((a == null) == (b == null), "loraA and loraB are given both or neither");
        return a == null ? 0 : use.size(a.shape().dim(0));
    }
}
