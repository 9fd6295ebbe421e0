package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.bindings.cpu.sartor_layer_norm;
import dev.sartor.bindings.cpu.sartor_layer_norm_backward;
import dev.sartor.bindings.cpu.sartor_rms_norm;
import dev.sartor.bindings.cpu.sartor_rms_norm_backward;
import dev.sartor.device.kernel.LayerNorm;
import dev.sartor.device.kernel.LayerNormBackward;
import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.RmsNormBackward;

/** Normalizations over the innermost dimension. */
final class EncodeNorms {
    private EncodeNorms() {}

    static void rmsNorm(RmsNorm k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        long width = a.width("x", k.x());
        a.require((k.residual() == null) == (k.sum() == null), "sum", "a tensor where residual is one, else none",
                k.sum() == null ? "none" : k.sum().spec());
        sartor_rms_norm.x(s, a.in("x", k.x(), dtype, rows, width));
        sartor_rms_norm.residual(s, a.inOrNull("residual", k.residual(), dtype, rows, width));
        sartor_rms_norm.sum(s, a.outOrNull("sum", k.sum(), dtype, rows, width));
        sartor_rms_norm.weight(s, a.in("weight", k.weight(), FLOAT32, width));
        sartor_rms_norm.y(s, a.out("y", k.y(), dtype, rows, width));
        sartor_rms_norm.inverse_rms(s, a.out("inverseRms", k.inverseRms(), FLOAT32, rows));
        sartor_rms_norm.rows(s, rows);
        sartor_rms_norm.width(s, width);
        sartor_rms_norm.epsilon(s, a.notNegative("epsilon", k.epsilon()));
        sartor_rms_norm.dtype(s, a.code("x", dtype));
    }

    static void rmsNormBackward(RmsNormBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dy", k.dy());
        long rows = a.rows("dy", k.dy());
        long width = a.width("dy", k.dy());
        sartor_rms_norm_backward.dy(s, a.in("dy", k.dy(), dtype, rows, width));
        sartor_rms_norm_backward.x(s, a.in("x", k.x(), dtype, rows, width));
        sartor_rms_norm_backward.d_sum(s, a.inOrNull("dSum", k.dSum(), dtype, rows, width));
        sartor_rms_norm_backward.weight(s, a.in("weight", k.weight(), FLOAT32, width));
        sartor_rms_norm_backward.inverse_rms(s, a.in("inverseRms", k.inverseRms(), FLOAT32, rows));
        sartor_rms_norm_backward.dx(s, a.outOrNull("dx", k.dx(), dtype, rows, width));
        sartor_rms_norm_backward.d_weight(s, a.outOrNull("dWeight", k.dWeight(), FLOAT32, width));
        sartor_rms_norm_backward.rows(s, rows);
        sartor_rms_norm_backward.width(s, width);
        sartor_rms_norm_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_rms_norm_backward.dtype(s, a.code("dy", dtype));
    }

    static void layerNorm(LayerNorm k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        long width = a.width("x", k.x());
        a.require((k.residual() == null) == (k.sum() == null), "sum", "a tensor where residual is one, else none",
                k.sum() == null ? "none" : k.sum().spec());
        sartor_layer_norm.x(s, a.in("x", k.x(), dtype, rows, width));
        sartor_layer_norm.residual(s, a.inOrNull("residual", k.residual(), dtype, rows, width));
        sartor_layer_norm.sum(s, a.outOrNull("sum", k.sum(), dtype, rows, width));
        sartor_layer_norm.weight(s, a.in("weight", k.weight(), FLOAT32, width));
        sartor_layer_norm.bias(s, a.inOrNull("bias", k.bias(), FLOAT32, width));
        sartor_layer_norm.y(s, a.out("y", k.y(), dtype, rows, width));
        sartor_layer_norm.mean(s, a.out("mean", k.mean(), FLOAT32, rows));
        sartor_layer_norm.inverse_std(s, a.out("inverseStd", k.inverseStd(), FLOAT32, rows));
        sartor_layer_norm.rows(s, rows);
        sartor_layer_norm.width(s, width);
        sartor_layer_norm.epsilon(s, a.notNegative("epsilon", k.epsilon()));
        sartor_layer_norm.dtype(s, a.code("x", dtype));
    }

    static void layerNormBackward(LayerNormBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dy", k.dy());
        long rows = a.rows("dy", k.dy());
        long width = a.width("dy", k.dy());
        sartor_layer_norm_backward.dy(s, a.in("dy", k.dy(), dtype, rows, width));
        sartor_layer_norm_backward.x(s, a.in("x", k.x(), dtype, rows, width));
        sartor_layer_norm_backward.d_sum(s, a.inOrNull("dSum", k.dSum(), dtype, rows, width));
        sartor_layer_norm_backward.weight(s, a.in("weight", k.weight(), FLOAT32, width));
        sartor_layer_norm_backward.mean(s, a.in("mean", k.mean(), FLOAT32, rows));
        sartor_layer_norm_backward.inverse_std(s, a.in("inverseStd", k.inverseStd(), FLOAT32, rows));
        sartor_layer_norm_backward.dx(s, a.outOrNull("dx", k.dx(), dtype, rows, width));
        sartor_layer_norm_backward.d_weight(s, a.outOrNull("dWeight", k.dWeight(), FLOAT32, width));
        sartor_layer_norm_backward.d_bias(s, a.outOrNull("dBias", k.dBias(), FLOAT32, width));
        sartor_layer_norm_backward.rows(s, rows);
        sartor_layer_norm_backward.width(s, width);
        sartor_layer_norm_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_layer_norm_backward.dtype(s, a.code("dy", dtype));
    }
}
