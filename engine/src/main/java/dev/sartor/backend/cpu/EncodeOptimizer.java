package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.FLOAT64;

import dev.sartor.bindings.cpu.sartor_adamw;
import dev.sartor.bindings.cpu.sartor_clip;
import dev.sartor.bindings.cpu.sartor_schedule;
import dev.sartor.bindings.cpu.sartor_sum_squares;
import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.Clip;
import dev.sartor.device.kernel.SumSquares;

/** The optimizer's step: gradient norm, clipping, AdamW. */
final class EncodeOptimizer {
    private EncodeOptimizer() {}

    static void sumSquares(SumSquares k, Arguments a) {
        var s = a.struct();
        long count = a.count("x", k.x());
        sartor_sum_squares.x(s, a.in("x", k.x(), FLOAT32, count));
        sartor_sum_squares.out(s, a.out("out", k.out(), FLOAT64, 1));
        sartor_sum_squares.count(s, count);
        sartor_sum_squares.accumulate(s, Arguments.flag(k.accumulate()));
    }

    static void clip(Clip k, Arguments a) {
        var s = a.struct();
        sartor_clip.sum_squares(s, a.in("sumSquares", k.sumSquares(), FLOAT64, 1));
        sartor_clip.norm(s, a.out("norm", k.norm(), FLOAT32, 1));
        sartor_clip.coefficient(s, a.out("coefficient", k.coefficient(), FLOAT32, 1));
        sartor_clip.max_norm(s, a.finite("maxNorm", k.maxNorm()));
    }

    static void adamW(AdamW k, Arguments a) {
        var s = a.struct();
        long count = a.count("parameter", k.parameter());
        sartor_adamw.parameter(s, a.out("parameter", k.parameter(), FLOAT32, count));
        sartor_adamw.gradient(s, a.in("gradient", k.gradient(), FLOAT32, count));
        sartor_adamw.m(s, a.out("m", k.m(), FLOAT32, count));
        sartor_adamw.v(s, a.out("v", k.v(), FLOAT32, count));
        sartor_adamw.gradient_scale(s, a.inOrNull("gradientScale", k.gradientScale(), FLOAT32, 1));
        sartor_adamw.schedule(s, a.inBytes("schedule", k.schedule(), sartor_schedule.sizeof()));
        sartor_adamw.count(s, count);
        sartor_adamw.beta1(s, a.belowOne("beta1", k.beta1()));
        sartor_adamw.beta2(s, a.belowOne("beta2", k.beta2()));
        sartor_adamw.epsilon(s, a.notNegative("epsilon", k.epsilon()));
        sartor_adamw.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
    }
}
