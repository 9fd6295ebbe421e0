package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.bindings.cpu.sartor_column_scale;
import dev.sartor.bindings.cpu.sartor_column_scale_backward;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_lora_linear;
import dev.sartor.bindings.cpu.sartor_lora_linear_backward;
import dev.sartor.bindings.cpu.sartor_matmul;
import dev.sartor.bindings.cpu.sartor_projection;
import dev.sartor.bindings.cpu.sartor_projection_backward;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.ColumnScale;
import dev.sartor.device.kernel.ColumnScaleBackward;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.device.kernel.MatMul;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Linear layers with their adapters, DoRA's scaling of their outputs, and plain products. */
final class EncodeLinear {
    private EncodeLinear() {}

    static void loraLinear(LoraLinear k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        int count = count(k.projections().size(), k.dropout(), a);
        for (int i = 0; i < count; i++) {
            projection(sartor_lora_linear.projections(s, i), k, i, dtype, rows, a);
        }
        sartor_lora_linear.x(s, a.in("x", k.x(), dtype, rows, k.projections().getFirst().weight().columns()));
        sartor_lora_linear.rng(s, dropoutRng(k.rng(), k.dropout(), a));
        sartor_lora_linear.rows(s, rows);
        sartor_lora_linear.site(s, k.site());
        sartor_lora_linear.projection_count(s, count);
        sartor_lora_linear.dropout(s, k.dropout());
        sartor_lora_linear.dtype(s, a.code("x", dtype));
    }

    private static void projection(MemorySegment s, LoraLinear k, int i, DType dtype, long rows, Arguments a) {
        var p = k.projections().get(i);
        a.weight(sartor_projection.weight(s), name("weight", i), p.weight());
        long out = p.weight().rows();
        long in = columns(p.weight(), k.projections().getFirst().weight(), i, a);
        long rank = rank(p.loraA(), p.loraB(), i, a);
        if (rank == 0) {
            a.require(p.h() == null, name("h", i), "none, for there is no adapter", p.h());
        }
        sartor_projection.bias(s, a.inOrNull(name("bias", i), p.bias(), FLOAT32, out));
        sartor_projection.lora_a(s, a.inOrNull(name("loraA", i), p.loraA(), FLOAT32, rank, in));
        sartor_projection.lora_b(s, a.inOrNull(name("loraB", i), p.loraB(), FLOAT32, out, rank));
        sartor_projection.y(s, a.out(name("y", i), p.y(), dtype, rows, out));
        sartor_projection.h(s, a.outOrNull(name("h", i), p.h(), FLOAT32, rows, rank));
        sartor_projection.rank(s, a.int32(name("rank", i), rank));
        sartor_projection.scaling(s, a.finite(name("scaling", i), p.scaling()));
    }

    static void loraLinearBackward(LoraLinearBackward k, Arguments a) {
        var s = a.struct();
        int count = count(k.projections().size(), k.dropout(), a);
        var first = k.projections().getFirst();
        var dtype = a.computeType("dy", first.dy());
        long rows = a.rows("dy", first.dy());
        for (int i = 0; i < count; i++) {
            projectionBackward(sartor_lora_linear_backward.projections(s, i), k, i, dtype, rows, a);
        }
        a.require(k.dx() != null || !k.accumulate(), "accumulate", "false without dx", true);
        long in = first.weight().columns();
        sartor_lora_linear_backward.x(s, a.inOrNull("x", k.x(), dtype, rows, in));
        sartor_lora_linear_backward.dx(s, a.outOrNull("dx", k.dx(), dtype, rows, in));
        sartor_lora_linear_backward.rng(s, dropoutRng(k.rng(), k.dropout(), a));
        sartor_lora_linear_backward.rows(s, rows);
        sartor_lora_linear_backward.site(s, k.site());
        sartor_lora_linear_backward.projection_count(s, count);
        sartor_lora_linear_backward.dropout(s, k.dropout());
        sartor_lora_linear_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_lora_linear_backward.dtype(s, a.code("dy", dtype));
    }

    private static void projectionBackward(
            MemorySegment s, LoraLinearBackward k, int i, DType dtype, long rows, Arguments a) {
        var p = k.projections().get(i);
        a.weight(sartor_projection_backward.weight(s), name("weight", i), p.weight());
        long out = p.weight().rows();
        long in = columns(p.weight(), k.projections().getFirst().weight(), i, a);
        long rank = rank(p.loraA(), p.loraB(), i, a);
        boolean adapter = p.dLoraA() != null;
        a.require(adapter == (p.dLoraB() != null), name("dLoraB", i), "a tensor where dLoraA is one, else none",
                p.dLoraB() == null ? "none" : p.dLoraB().spec());
        a.require(!adapter || rank > 0, name("loraA", i), "a tensor, for dLoraA is asked for", "none");
        if (adapter || p.dWeight() != null) {
            a.present("x", k.x());
        }
        if (adapter) {
            a.present(name("h", i), p.h());
        }
        sartor_projection_backward.dy(s, a.in(name("dy", i), p.dy(), dtype, rows, out));
        sartor_projection_backward.h(s, a.inOrNull(name("h", i), p.h(), FLOAT32, rows, rank));
        sartor_projection_backward.lora_a(s, a.inOrNull(name("loraA", i), p.loraA(), FLOAT32, rank, in));
        sartor_projection_backward.lora_b(s, a.inOrNull(name("loraB", i), p.loraB(), FLOAT32, out, rank));
        sartor_projection_backward.d_lora_a(s, a.outOrNull(name("dLoraA", i), p.dLoraA(), FLOAT32, rank, in));
        sartor_projection_backward.d_lora_b(s, a.outOrNull(name("dLoraB", i), p.dLoraB(), FLOAT32, out, rank));
        sartor_projection_backward.d_weight(s, a.outOrNull(name("dWeight", i), p.dWeight(), FLOAT32, out, in));
        sartor_projection_backward.d_bias(s, a.outOrNull(name("dBias", i), p.dBias(), FLOAT32, out));
        sartor_projection_backward.rank(s, a.int32(name("rank", i), rank));
        sartor_projection_backward.scaling(s, a.finite(name("scaling", i), p.scaling()));
    }

    private static int count(int projections, float dropout, Arguments a) {
        a.require(projections >= 1 && projections <= sartor_h.SARTOR_MAX_PROJECTIONS(), "projections",
                "1 to " + sartor_h.SARTOR_MAX_PROJECTIONS(), projections);
        a.require(projections == 1 || dropout == 0, "dropout", "0 with several projections", dropout);
        return projections;
    }

    /** How messages name what a projection after the first has. */
    private static String name(String argument, int projection) {
        return projection == 0 ? argument : argument + " of projection " + projection;
    }

    private static long columns(Matrix weight, Matrix first, int i, Arguments a) {
        a.require(weight.columns() == first.columns(), name("weight", i), first.columns() + " columns, as the first",
                weight.columns());
        return weight.columns();
    }

    static void columnScale(ColumnScale k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        long width = a.width("x", k.x());
        sartor_column_scale.x(s, a.in("x", k.x(), dtype, rows, width));
        sartor_column_scale.scale(s, a.in("scale", k.scale(), FLOAT32, width));
        sartor_column_scale.bias(s, a.inOrNull("bias", k.bias(), FLOAT32, width));
        sartor_column_scale.y(s, a.out("y", k.y(), dtype, rows, width));
        sartor_column_scale.rows(s, rows);
        sartor_column_scale.width(s, width);
        sartor_column_scale.dtype(s, a.code("x", dtype));
    }

    static void columnScaleBackward(ColumnScaleBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dy", k.dy());
        long rows = a.rows("dy", k.dy());
        long width = a.width("dy", k.dy());
        sartor_column_scale_backward.dy(s, a.in("dy", k.dy(), dtype, rows, width));
        sartor_column_scale_backward.x(s, a.in("x", k.x(), dtype, rows, width));
        sartor_column_scale_backward.scale(s, a.in("scale", k.scale(), FLOAT32, width));
        sartor_column_scale_backward.dx(s, a.outOrNull("dx", k.dx(), dtype, rows, width));
        sartor_column_scale_backward.d_scale(s, a.outOrNull("dScale", k.dScale(), FLOAT32, width));
        sartor_column_scale_backward.d_bias(s, a.outOrNull("dBias", k.dBias(), FLOAT32, width));
        sartor_column_scale_backward.rows(s, rows);
        sartor_column_scale_backward.width(s, width);
        sartor_column_scale_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_column_scale_backward.dtype(s, a.code("dy", dtype));
    }

    static void matMul(MatMul k, Arguments a) {
        var s = a.struct();
        long m = a.matrixDim("a", k.a(), k.transposeA() ? 1 : 0);
        long inner = a.matrixDim("a", k.a(), k.transposeA() ? 0 : 1);
        long n = a.matrixDim("b", k.b(), k.transposeB() ? 0 : 1);
        sartor_matmul.a(s, k.transposeA() ? a.in("a", k.a(), FLOAT32, inner, m) : a.in("a", k.a(), FLOAT32, m, inner));
        sartor_matmul.b(s, k.transposeB() ? a.in("b", k.b(), FLOAT32, n, inner) : a.in("b", k.b(), FLOAT32, inner, n));
        sartor_matmul.addend(s, a.inOrNull("addend", k.addend(), FLOAT32, m, n));
        sartor_matmul.c(s, a.out("c", k.c(), FLOAT32, m, n));
        sartor_matmul.m(s, m);
        sartor_matmul.n(s, n);
        sartor_matmul.k(s, inner);
        sartor_matmul.alpha(s, a.finite("alpha", k.alpha()));
        sartor_matmul.beta(s, a.finite("beta", k.beta()));
        sartor_matmul.transpose_a(s, Arguments.flag(k.transposeA()));
        sartor_matmul.transpose_b(s, Arguments.flag(k.transposeB()));
        a.mayBeInPlace("c", "addend");
    }

    /** The adapter's rank, 0 where there is none. */
    private static long rank(Tensor loraA, Tensor loraB, int i, Arguments a) {
        a.require((loraA == null) == (loraB == null), name("loraB", i), "a tensor where loraA is one, else none",
                loraB == null ? "none" : loraB.spec());
        return loraA == null ? 0 : a.rows(name("loraA", i), loraA);
    }

    private static MemorySegment dropoutRng(Tensor rng, float dropout, Arguments a) {
        return a.belowOne("dropout", dropout) == 0 && rng == null ? MemorySegment.NULL : a.rng(rng);
    }
}
