package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.FLOAT64;
import static dev.sartor.tensor.DType.UINT8;

import dev.sartor.bindings.cpu.sartor_adafactor;
import dev.sartor.bindings.cpu.sartor_adamw;
import dev.sartor.bindings.cpu.sartor_adamw_8bit;
import dev.sartor.bindings.cpu.sartor_clip;
import dev.sartor.bindings.cpu.sartor_lion;
import dev.sartor.bindings.cpu.sartor_muon_momentum;
import dev.sartor.bindings.cpu.sartor_muon_update;
import dev.sartor.bindings.cpu.sartor_schedule;
import dev.sartor.bindings.cpu.sartor_schedule_free_adamw;
import dev.sartor.bindings.cpu.sartor_schedule_free_weight;
import dev.sartor.bindings.cpu.sartor_sum_squares;
import dev.sartor.device.kernel.Adafactor;
import dev.sartor.device.kernel.AdamW;
import dev.sartor.device.kernel.AdamW8Bit;
import dev.sartor.device.kernel.Clip;
import dev.sartor.device.kernel.Lion;
import dev.sartor.device.kernel.MuonMomentum;
import dev.sartor.device.kernel.MuonUpdate;
import dev.sartor.device.kernel.ScheduleFreeAdamW;
import dev.sartor.device.kernel.ScheduleFreeWeight;
import dev.sartor.device.kernel.SumSquares;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** The optimizers' steps: gradient norm, clipping, and what each method does then. */
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
        sartor_adamw.schedule(s, schedule(k.schedule(), a));
        sartor_adamw.count(s, count);
        sartor_adamw.beta1(s, a.belowOne("beta1", k.beta1()));
        sartor_adamw.beta2(s, a.belowOne("beta2", k.beta2()));
        sartor_adamw.epsilon(s, a.notNegative("epsilon", k.epsilon()));
        sartor_adamw.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
    }

    static void adamW8Bit(AdamW8Bit k, Arguments a) {
        var s = a.struct();
        long count = a.count("parameter", k.parameter());
        long blocks = AdamW8Bit.blocks(count);
        sartor_adamw_8bit.parameter(s, a.out("parameter", k.parameter(), FLOAT32, count));
        sartor_adamw_8bit.gradient(s, a.in("gradient", k.gradient(), FLOAT32, count));
        sartor_adamw_8bit.m(s, a.out("m", k.m(), UINT8, count));
        sartor_adamw_8bit.v(s, a.out("v", k.v(), UINT8, count));
        sartor_adamw_8bit.m_absmax(s, a.out("mAbsmax", k.mAbsmax(), FLOAT32, blocks));
        sartor_adamw_8bit.v_absmax(s, a.out("vAbsmax", k.vAbsmax(), FLOAT32, blocks));
        sartor_adamw_8bit.gradient_scale(s, a.inOrNull("gradientScale", k.gradientScale(), FLOAT32, 1));
        sartor_adamw_8bit.schedule(s, schedule(k.schedule(), a));
        sartor_adamw_8bit.count(s, count);
        sartor_adamw_8bit.beta1(s, a.belowOne("beta1", k.beta1()));
        sartor_adamw_8bit.beta2(s, a.belowOne("beta2", k.beta2()));
        sartor_adamw_8bit.epsilon(s, a.notNegative("epsilon", k.epsilon()));
        sartor_adamw_8bit.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
    }

    static void lion(Lion k, Arguments a) {
        var s = a.struct();
        long count = a.count("parameter", k.parameter());
        sartor_lion.parameter(s, a.out("parameter", k.parameter(), FLOAT32, count));
        sartor_lion.gradient(s, a.in("gradient", k.gradient(), FLOAT32, count));
        sartor_lion.m(s, a.out("m", k.m(), FLOAT32, count));
        sartor_lion.gradient_scale(s, a.inOrNull("gradientScale", k.gradientScale(), FLOAT32, 1));
        sartor_lion.schedule(s, schedule(k.schedule(), a));
        sartor_lion.count(s, count);
        sartor_lion.beta1(s, a.belowOne("beta1", k.beta1()));
        sartor_lion.beta2(s, a.belowOne("beta2", k.beta2()));
        sartor_lion.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
    }

    static void adafactor(Adafactor k, Arguments a) {
        var s = a.struct();
        long rows = a.rows("parameter", k.parameter());
        long columns = a.width("parameter", k.parameter());
        boolean factored = k.row() != null;
        a.require(factored == (k.column() != null), "column", "a tensor where row is one, else none",
                k.column() == null ? "none" : k.column().spec());
        a.require(factored == (k.v() == null), "v", "a tensor where row is none, else none", k.v() == null ? "none" : k.v().spec());
        sartor_adafactor.parameter(s, a.out("parameter", k.parameter(), FLOAT32, rows, columns));
        sartor_adafactor.gradient(s, a.in("gradient", k.gradient(), FLOAT32, rows, columns));
        sartor_adafactor.row(s, a.outOrNull("row", k.row(), FLOAT32, rows));
        sartor_adafactor.column(s, a.outOrNull("column", k.column(), FLOAT32, columns));
        sartor_adafactor.v(s, a.outOrNull("v", k.v(), FLOAT32, rows, columns));
        sartor_adafactor.gradient_scale(s, a.inOrNull("gradientScale", k.gradientScale(), FLOAT32, 1));
        sartor_adafactor.schedule(s, schedule(k.schedule(), a));
        sartor_adafactor.rows(s, rows);
        sartor_adafactor.columns(s, columns);
        a.require(k.decayRate() < 0 && Float.isFinite(k.decayRate()), "decayRate", "a finite number below 0", k.decayRate());
        sartor_adafactor.decay_rate(s, k.decayRate());
        sartor_adafactor.epsilon1(s, a.positive("epsilon1", k.epsilon1()));
        sartor_adafactor.epsilon2(s, a.notNegative("epsilon2", k.epsilon2()));
        sartor_adafactor.clip_threshold(s, a.positive("clipThreshold", k.clipThreshold()));
        sartor_adafactor.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
        sartor_adafactor.scale_parameter(s, Arguments.flag(k.scaleParameter()));
    }

    static void scheduleFreeWeight(ScheduleFreeWeight k, Arguments a) {
        var s = a.struct();
        sartor_schedule_free_weight.schedule(s, schedule(k.schedule(), a));
        sartor_schedule_free_weight.state(s, a.out("state", k.state(), FLOAT64, 2));
        sartor_schedule_free_weight.weight(s, a.out("weight", k.weight(), FLOAT32, 1));
        sartor_schedule_free_weight.r(s, a.finite("r", k.r()));
        sartor_schedule_free_weight.weight_lr_power(s, a.notNegative("weightLrPower", k.weightLrPower()));
    }

    static void scheduleFreeAdamW(ScheduleFreeAdamW k, Arguments a) {
        var s = a.struct();
        long count = a.count("y", k.y());
        sartor_schedule_free_adamw.y(s, a.out("y", k.y(), FLOAT32, count));
        sartor_schedule_free_adamw.gradient(s, a.in("gradient", k.gradient(), FLOAT32, count));
        sartor_schedule_free_adamw.z(s, a.out("z", k.z(), FLOAT32, count));
        sartor_schedule_free_adamw.v(s, a.out("v", k.v(), FLOAT32, count));
        sartor_schedule_free_adamw.gradient_scale(s, a.inOrNull("gradientScale", k.gradientScale(), FLOAT32, 1));
        sartor_schedule_free_adamw.schedule(s, schedule(k.schedule(), a));
        sartor_schedule_free_adamw.weight(s, a.in("weight", k.weight(), FLOAT32, 1));
        sartor_schedule_free_adamw.count(s, count);
        sartor_schedule_free_adamw.beta1(s, a.positive("beta1", a.belowOne("beta1", k.beta1())));
        sartor_schedule_free_adamw.beta2(s, a.belowOne("beta2", k.beta2()));
        sartor_schedule_free_adamw.epsilon(s, a.notNegative("epsilon", k.epsilon()));
        sartor_schedule_free_adamw.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
    }

    static void muonMomentum(MuonMomentum k, Arguments a) {
        var s = a.struct();
        long count = a.count("gradient", k.gradient());
        sartor_muon_momentum.gradient(s, a.in("gradient", k.gradient(), FLOAT32, count));
        sartor_muon_momentum.buffer(s, a.out("buffer", k.buffer(), FLOAT32, count));
        sartor_muon_momentum.direction(s, a.out("direction", k.direction(), FLOAT32, count));
        sartor_muon_momentum.gradient_scale(s, a.inOrNull("gradientScale", k.gradientScale(), FLOAT32, 1));
        sartor_muon_momentum.count(s, count);
        sartor_muon_momentum.momentum(s, a.belowOne("momentum", k.momentum()));
        sartor_muon_momentum.epsilon(s, a.positive("epsilon", k.epsilon()));
        sartor_muon_momentum.nesterov(s, Arguments.flag(k.nesterov()));
    }

    static void muonUpdate(MuonUpdate k, Arguments a) {
        var s = a.struct();
        long count = a.count("parameter", k.parameter());
        sartor_muon_update.parameter(s, a.out("parameter", k.parameter(), FLOAT32, count));
        sartor_muon_update.direction(s, a.in("direction", k.direction(), FLOAT32, count));
        sartor_muon_update.schedule(s, schedule(k.schedule(), a));
        sartor_muon_update.count(s, count);
        sartor_muon_update.ratio(s, a.finite("ratio", k.ratio()));
        sartor_muon_update.weight_decay(s, a.finite("weightDecay", k.weightDecay()));
    }

    private static MemorySegment schedule(Tensor schedule, Arguments a) {
        return a.inBytes("schedule", schedule, sartor_schedule.sizeof());
    }
}
