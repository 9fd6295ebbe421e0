package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.bindings.cpu.sartor_check_finite;
import dev.sartor.bindings.cpu.sartor_weighted_sum;
import dev.sartor.device.kernel.CheckFinite;
import dev.sartor.device.kernel.WeightedSum;
import dev.sartor.tensor.DType;

/** Kernels that make one number of many. */
final class EncodeReductions {
    private EncodeReductions() {}

    static void weightedSum(WeightedSum k, Arguments a) {
        var s = a.struct();
        long count = a.count("x", k.x());
        sartor_weighted_sum.x(s, a.in("x", k.x(), FLOAT32, count));
        sartor_weighted_sum.weights(s, a.inOrNull("weights", k.weights(), FLOAT32, count));
        sartor_weighted_sum.out(s, a.out("out", k.out(), FLOAT32, 1));
        sartor_weighted_sum.count(s, count);
        sartor_weighted_sum.accumulate(s, Arguments.flag(k.accumulate()));
    }

    static void checkFinite(CheckFinite k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long count = a.count("x", k.x());
        sartor_check_finite.x(s, a.in("x", k.x(), dtype, count));
        sartor_check_finite.found(s, a.out("found", k.found(), DType.INT64, 1));
        sartor_check_finite.count(s, count);
        sartor_check_finite.dtype(s, a.code("x", dtype));
    }
}
