package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;

import dev.sartor.bindings.cpu.sartor_column_scale;
import dev.sartor.bindings.cpu.sartor_column_scale_backward;
import dev.sartor.bindings.cpu.sartor_lora_linear;
import dev.sartor.bindings.cpu.sartor_lora_linear_backward;
import dev.sartor.bindings.cpu.sartor_matmul;
import dev.sartor.device.kernel.ColumnScale;
import dev.sartor.device.kernel.ColumnScaleBackward;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.LoraLinearBackward;
import dev.sartor.device.kernel.MatMul;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Linear layers with their adapters, DoRA's scaling of their outputs, and plain products. */
final class EncodeLinear {
    private EncodeLinear() {}

    static void loraLinear(LoraLinear k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long rows = a.rows("x", k.x());
        a.weight(sartor_lora_linear.weight(s), "weight", k.weight());
        long out = k.weight().rows();
        long in = k.weight().columns();
        long rank = rank(k.loraA(), k.loraB(), a);
        if (rank == 0) {
            a.require(k.h() == null, "h", "none, for there is no adapter", k.h());
        }
        sartor_lora_linear.x(s, a.in("x", k.x(), dtype, rows, in));
        sartor_lora_linear.bias(s, a.inOrNull("bias", k.bias(), FLOAT32, out));
        sartor_lora_linear.lora_a(s, a.inOrNull("loraA", k.loraA(), FLOAT32, rank, in));
        sartor_lora_linear.lora_b(s, a.inOrNull("loraB", k.loraB(), FLOAT32, out, rank));
        sartor_lora_linear.y(s, a.out("y", k.y(), dtype, rows, out));
        sartor_lora_linear.h(s, a.outOrNull("h", k.h(), FLOAT32, rows, rank));
        sartor_lora_linear.rng(s, dropoutRng(k.rng(), k.dropout(), a));
        sartor_lora_linear.rows(s, rows);
        sartor_lora_linear.site(s, k.site());
        sartor_lora_linear.rank(s, a.int32("rank", rank));
        sartor_lora_linear.scaling(s, a.finite("scaling", k.scaling()));
        sartor_lora_linear.dropout(s, k.dropout());
        sartor_lora_linear.dtype(s, a.code("x", dtype));
    }

    static void loraLinearBackward(LoraLinearBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dy", k.dy());
        long rows = a.rows("dy", k.dy());
        a.weight(sartor_lora_linear_backward.weight(s), "weight", k.weight());
        long out = k.weight().rows();
        long in = k.weight().columns();
        long rank = rank(k.loraA(), k.loraB(), a);
        boolean adapter = k.dLoraA() != null;
        a.require(adapter == (k.dLoraB() != null), "dLoraB", "a tensor where dLoraA is one, else none",
                k.dLoraB() == null ? "none" : k.dLoraB().spec());
        a.require(!adapter || rank > 0, "loraA", "a tensor, for dLoraA is asked for", "none");
        a.require(k.dx() != null || !k.accumulate(), "accumulate", "false without dx", true);
        if (adapter || k.dWeight() != null) {
            a.present("x", k.x());
        }
        if (adapter) {
            a.present("h", k.h());
        }
        sartor_lora_linear_backward.dy(s, a.in("dy", k.dy(), dtype, rows, out));
        sartor_lora_linear_backward.x(s, a.inOrNull("x", k.x(), dtype, rows, in));
        sartor_lora_linear_backward.h(s, a.inOrNull("h", k.h(), FLOAT32, rows, rank));
        sartor_lora_linear_backward.lora_a(s, a.inOrNull("loraA", k.loraA(), FLOAT32, rank, in));
        sartor_lora_linear_backward.lora_b(s, a.inOrNull("loraB", k.loraB(), FLOAT32, out, rank));
        sartor_lora_linear_backward.dx(s, a.outOrNull("dx", k.dx(), dtype, rows, in));
        sartor_lora_linear_backward.d_lora_a(s, a.outOrNull("dLoraA", k.dLoraA(), FLOAT32, rank, in));
        sartor_lora_linear_backward.d_lora_b(s, a.outOrNull("dLoraB", k.dLoraB(), FLOAT32, out, rank));
        sartor_lora_linear_backward.d_weight(s, a.outOrNull("dWeight", k.dWeight(), FLOAT32, out, in));
        sartor_lora_linear_backward.d_bias(s, a.outOrNull("dBias", k.dBias(), FLOAT32, out));
        sartor_lora_linear_backward.rng(s, dropoutRng(k.rng(), k.dropout(), a));
        sartor_lora_linear_backward.rows(s, rows);
        sartor_lora_linear_backward.site(s, k.site());
        sartor_lora_linear_backward.rank(s, a.int32("rank", rank));
        sartor_lora_linear_backward.scaling(s, a.finite("scaling", k.scaling()));
        sartor_lora_linear_backward.dropout(s, k.dropout());
        sartor_lora_linear_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_lora_linear_backward.dtype(s, a.code("dy", dtype));
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

    /** The adapter's rank, 0 where there is none. */
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

    private static long rank(Tensor loraA, Tensor loraB, Arguments a) {
        a.require((loraA == null) == (loraB == null), "loraB", "a tensor where loraA is one, else none",
                loraB == null ? "none" : loraB.spec());
        return loraA == null ? 0 : a.rows("loraA", loraA);
    }

    private static MemorySegment dropoutRng(Tensor rng, float dropout, Arguments a) {
        return a.belowOne("dropout", dropout) == 0 && rng == null ? MemorySegment.NULL : a.rng(rng);
    }
}
