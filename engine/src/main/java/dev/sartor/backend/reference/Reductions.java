package dev.sartor.backend.reference;

import dev.sartor.device.kernel.CheckFinite;
import dev.sartor.device.kernel.SumSquares;
import dev.sartor.device.kernel.WeightedSum;
import dev.sartor.tensor.DType;
import java.lang.foreign.ValueLayout;

/** One result for all elements. */
final class Reductions {
    private Reductions() {}

    static void weightedSum(WeightedSum k, Operands use) {
        double[] x = use.read("x", k.x());
        double[] weights = use.readOptional("weights", k.weights(), x.length);
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += x[i] * (weights == null ? 1 : weights[i]);
        }
        use.write("out", k.out(), new double[] {sum}, k.accumulate());
    }

    static void sumSquares(SumSquares k, Operands use) {
        double sum = 0;
        for (double value : use.read("x", k.x())) {
            sum += value * value;
        }
        use.require(k.out().dtype() == DType.FLOAT64, "out is " + k.out().spec() + ", expected float64");
        use.write("out", k.out(), new double[] {sum}, k.accumulate());
    }

    static void checkFinite(CheckFinite k, Operands use) {
        double[] x = use.read("x", k.x());
        long found = -1;
        for (int i = x.length - 1; i >= 0; i--) {
            if (!Double.isFinite(x[i])) {
                found = i;
            }
        }
        use.requireElements("found", k.found(), 1);
        use.require(k.found().dtype() == DType.INT64, "found is " + k.found().spec() + ", expected int64");
        use.segment(k.found()).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, found);
    }
}
