package dev.sartor.backend.reference;

import dev.sartor.device.kernel.Adafactor;
import java.util.Arrays;

/** Adafactor (Shazeer and Stern 2018), in the form of Transformers' implementation. */
final class Adafactors {
    private Adafactors() {}

    static void adafactor(Adafactor k, Operands use) {
        double[] p = use.read("parameter", k.parameter());
        double[] g = Schedule.gradient(k.gradient(), k.gradientScale(), p.length, use);
        var schedule = Schedule.read(k.schedule(), use);
        double beta2 = 1 - Math.pow(schedule.step(), k.decayRate());
        use.require((k.row() == null) == (k.column() == null) && (k.row() == null) == (k.v() != null), "expected row and column, or v");
        double[] update = k.row() == null ? whole(k, g, beta2, use) : factored(k, g, beta2, use);
        double learningRate = schedule.learningRate() * (k.scaleParameter() ? Math.max(k.epsilon2(), rms(p)) : 1);
        double clip = Math.max(1, rms(update) / k.clipThreshold());
        for (int i = 0; i < p.length; i++) {
            p[i] -= learningRate * (k.weightDecay() * p[i] + update[i] / clip);
        }
        use.write("parameter", k.parameter(), p);
    }

    private static double[] factored(Adafactor k, double[] g, double beta2, Operands use) {
        int columns = use.size(k.parameter().shape().last());
        int rows = g.length / columns;
        var rowMeans = new double[rows];
        var columnMeans = new double[columns];
        for (int i = 0; i < g.length; i++) {
            double square = g[i] * g[i] + k.epsilon1();
            rowMeans[i / columns] += square / columns;
            columnMeans[i % columns] += square / rows;
        }
        double[] row = moved(use.read("row", k.row(), rows), rowMeans, beta2);
        double[] column = moved(use.read("column", k.column(), columns), columnMeans, beta2);
        use.write("row", k.row(), row);
        use.write("column", k.column(), column);
        double mean = Arrays.stream(row).average().orElse(0);
        var update = new double[g.length];
        for (int i = 0; i < g.length; i++) {
            update[i] = g[i] / Math.sqrt(row[i / columns] / mean * column[i % columns]);
        }
        return update;
    }

    private static double[] whole(Adafactor k, double[] g, double beta2, Operands use) {
        double[] squares = Arrays.stream(g).map(each -> each * each + k.epsilon1()).toArray();
        double[] v = moved(use.read("v", k.v(), g.length), squares, beta2);
        use.write("v", k.v(), v);
        var update = new double[g.length];
        for (int i = 0; i < g.length; i++) {
            update[i] = g[i] / Math.sqrt(v[i]);
        }
        return update;
    }

    private static double[] moved(double[] before, double[] now, double beta2) {
        var moved = new double[before.length];
        for (int i = 0; i < moved.length; i++) {
            moved[i] = beta2 * before[i] + (1 - beta2) * now[i];
        }
        return moved;
    }

    private static double rms(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(each -> each * each).average().orElse(0));
    }
}
