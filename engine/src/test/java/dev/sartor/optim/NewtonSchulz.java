package dev.sartor.optim;

/** Muon's orthogonalization as its author wrote it (zeropower_via_newtonschulz5), in double. */
final class NewtonSchulz {
    private NewtonSchulz() {}

    static double[][] matrix(double[] values, int columns) {
        var matrix = new double[values.length / columns][columns];
        for (int i = 0; i < values.length; i++) {
            matrix[i / columns][i % columns] = values[i];
        }
        return matrix;
    }

    static double[][] zeroPower(double[][] g, int steps) {
        double a = 3.4445;
        double b = -4.7750;
        double c = 2.0315;
        boolean tall = g.length > g[0].length;
        double[][] x = tall ? transpose(g) : g;
        double squares = 0;
        for (var row : x) {
            for (double each : row) {
                squares += each * each;
            }
        }
        x = sum(1 / Math.sqrt(squares), x, 0, x);
        for (int i = 0; i < steps; i++) {
            var gram = product(x, transpose(x));
            x = sum(a, x, 1, product(sum(b, gram, c, product(gram, gram)), x));
        }
        return tall ? transpose(x) : x;
    }

    private static double[][] transpose(double[][] m) {
        var t = new double[m[0].length][m.length];
        for (int i = 0; i < m.length; i++) {
            for (int j = 0; j < m[0].length; j++) {
                t[j][i] = m[i][j];
            }
        }
        return t;
    }

    private static double[][] product(double[][] a, double[][] b) {
        var c = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < b[0].length; j++) {
                for (int k = 0; k < b.length; k++) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return c;
    }

    private static double[][] sum(double alpha, double[][] a, double beta, double[][] b) {
        var c = new double[a.length][a[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                c[i][j] = alpha * a[i][j] + beta * b[i][j];
            }
        }
        return c;
    }
}
