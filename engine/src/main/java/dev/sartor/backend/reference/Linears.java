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
        for (var p : k.projections()) {
            forward(k, p, use);
        }
    }

    private static void forward(LoraLinear k, LoraLinear.Projection p, Operands use) {
        int in = use.size(p.weight().columns());
        int out = use.size(p.weight().rows());
        int rows = use.rows("x", k.x(), in);
        int rank = rank(p.loraA(), p.loraB(), use);
        double[] x = use.read("x", k.x());
        double[] bias = use.readOptional("bias", p.bias(), out);
        double[] y = Products.forward(x, use.read("weight", p.weight()), rows, in, out);
        if (bias != null) {
            for (int i = 0; i < y.length; i++) {
                y[i] += bias[i % out];
            }
        }
        if (rank > 0) {
            double[] a = use.read("loraA", p.loraA(), (long) rank * in);
            double[] b = use.read("loraB", p.loraB(), (long) out * rank);
            double[] dropped = masked(x, use.dropoutFactors(k.rng(), k.site(), k.dropout(), x.length));
            double[] h = Products.forward(dropped, a, rows, in, rank);
            double[] update = Products.forward(h, b, rows, rank, out);
            for (int i = 0; i < y.length; i++) {
                y[i] += p.scaling() * update[i];
            }
            use.write("h", p.h(), h);
        }
        use.write("y", p.y(), y);
    }

    static void backward(LoraLinearBackward k, Operands use) {
        double[] dx = null;
        for (var p : k.projections()) {
            double[] part = backward(k, p, use);
            if (dx == null) {
                dx = part;
            } else {
                for (int i = 0; i < dx.length; i++) {
                    dx[i] += part[i];
                }
            }
        }
        if (dx != null) {
            use.write("dx", k.dx(), dx, k.accumulate());
        }
    }

    /** The projection's part of dx, or null where that is not asked for. */
    private static double[] backward(LoraLinearBackward k, LoraLinearBackward.Projection p, Operands use) {
        int in = use.size(p.weight().columns());
        int out = use.size(p.weight().rows());
        int rows = use.rows("dy", p.dy(), out);
        int rank = rank(p.loraA(), p.loraB(), use);
        use.require((p.dLoraA() == null) == (p.dLoraB() == null), "dLoraA and dLoraB are given both or neither");
        use.require(p.dLoraA() == null || rank > 0, "gradients of an adapter without loraA and loraB");
        double[] dy = use.read("dy", p.dy());
        boolean needsX = p.dLoraA() != null || p.dWeight() != null;
        double[] x = needsX ? use.read("x", k.x(), (long) rows * in) : null;
        double[] dx = k.dx() == null ? null : Products.inputGradient(dy, use.read("weight", p.weight()), rows, in, out);
        if (rank > 0 && (dx != null || p.dLoraA() != null)) {
            double[] a = use.read("loraA", p.loraA(), (long) rank * in);
            double[] b = use.read("loraB", p.loraB(), (long) out * rank);
            double[] factors = use.dropoutFactors(k.rng(), k.site(), k.dropout(), rows * in);
            double[] g = scaled(Products.inputGradient(dy, b, rows, rank, out), p.scaling());
            if (dx != null) {
                double[] throughAdapter = masked(Products.inputGradient(g, a, rows, in, rank), factors);
                for (int i = 0; i < dx.length; i++) {
                    dx[i] += throughAdapter[i];
                }
            }
            if (p.dLoraA() != null) {
                double[] h = use.read("h", p.h(), (long) rows * rank);
                use.write("dLoraA", p.dLoraA(), Products.weightGradient(g, masked(x, factors), rows, in, rank), true);
                double[] db = Products.weightGradient(dy, h, rows, rank, out);
                use.write("dLoraB", p.dLoraB(), scaled(db, p.scaling()), true);
            }
        }
        if (p.dWeight() != null) {
            use.write("dWeight", p.dWeight(), Products.weightGradient(dy, x, rows, in, out), true);
        }
        if (p.dBias() != null) {
            use.write("dBias", p.dBias(), columnSums(dy, rows, out), true);
        }
        return dx;
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
