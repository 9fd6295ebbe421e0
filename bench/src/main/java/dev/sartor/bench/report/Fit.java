package dev.sartor.bench.report;

import java.util.List;
import org.apache.commons.math3.stat.regression.OLSMultipleLinearRegression;

/**
 * Time as constant + linear n + quadratic n^2, by least squares of the relative errors.
 *
 * @param quadratic may come out below zero where the times bend down
 */
record Fit(double constant, double linear, double quadratic) {
    /** @param times one for each of at least four different counts */
    static Fit of(List<Double> counts, List<Double> times) {
        int count = counts.size();
        double largest = counts.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        double[][] rows = new double[count][];
        double[] ones = new double[count];
        for (int i = 0; i < count; i++) {
            // Divided by the time, so that each error counts as a part of it; counts of about 1 keep the equations well posed.
            double n = counts.get(i) / largest;
            double weight = 1 / times.get(i);
            rows[i] = new double[] {weight, n * weight, n * n * weight};
            ones[i] = 1;
        }
        var regression = new OLSMultipleLinearRegression();
        regression.setNoIntercept(true);
        regression.newSampleData(ones, rows);
        double[] c = regression.estimateRegressionParameters();
        return new Fit(c[0], c[1] / largest, c[2] / (largest * largest));
    }

    double at(double count) {
        return constant + linear * count + quadratic * count * count;
    }
}
