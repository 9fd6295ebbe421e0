package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT32;

import dev.sartor.bindings.cpu.sartor_expert_projection;
import dev.sartor.bindings.cpu.sartor_expert_projection_backward;
import dev.sartor.bindings.cpu.sartor_grouped_linear;
import dev.sartor.bindings.cpu.sartor_grouped_linear_backward;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_weight;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.ExpertAdapters;
import dev.sartor.device.kernel.GroupedLinear;
import dev.sartor.device.kernel.GroupedLinearBackward;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;

/** The experts' linear layers. */
final class EncodeGrouped {
    private EncodeGrouped() {}

    /** What all projections of a call share. */
    private record Groups(DType dtype, long rows, long in, int experts, ExpertAdapters adapters) {
        /** Of the stacked adapters. */
        long rank(Tensor loraA, Tensor loraB, String what, Arguments a) {
            a.require((loraA == null) == (loraB == null), "loraB" + what, "a tensor where loraA is one, else none",
                    loraB == null ? "none" : loraB.spec());
            if (loraA == null) {
                return 0;
            }
            a.require(adapters.count() > 0, "adapters", "at least one, for there is loraA" + what, "none");
            long stacked = a.rows("loraA" + what, loraA);
            a.require(stacked % adapters.count() == 0, "loraA" + what, "as many rows for each of " + adapters.count() + " adapters", stacked);
            return stacked / adapters.count();
        }
    }

    static void forward(GroupedLinear k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("x", k.x());
        long xRows = a.rows("x", k.x());
        int topK = topK(k.topK(), k.permutation(), a);
        var groups = groups(dtype, Math.multiplyExact(xRows, topK), a.width("x", k.x()), k.offsets(), k.adapters(), a);
        int count = count(k.projections(), a);
        for (int i = 0; i < count; i++) {
            projection(sartor_grouped_linear.projections(s, i), k.projections().get(i), groups, what(i), a);
        }
        sartor_grouped_linear.x(s, a.in("x", k.x(), dtype, xRows, groups.in));
        sartor_grouped_linear.offsets(s, a.in("offsets", k.offsets(), INT32, groups.experts + 1L));
        sartor_grouped_linear.permutation(s, a.inOrNull("permutation", k.permutation(), INT32, groups.rows));
        sartor_grouped_linear.adapters(s, adapters(k.adapters(), a));
        sartor_grouped_linear.rows(s, groups.rows);
        sartor_grouped_linear.in(s, groups.in);
        sartor_grouped_linear.experts(s, groups.experts);
        sartor_grouped_linear.adapter_count(s, groups.adapters.count());
        sartor_grouped_linear.top_k(s, topK);
        sartor_grouped_linear.projection_count(s, count);
        sartor_grouped_linear.dtype(s, a.code("x", dtype));
    }

    private static void projection(MemorySegment s, GroupedLinear.Projection p, Groups groups, String what, Arguments a) {
        long out = weights(p.weights(), groups, what, a);
        long rank = groups.rank(p.loraA(), p.loraB(), what, a);
        a.require(rank > 0 || p.h() == null, "h" + what, "none, for there is no adapter", p.h());
        int adapters = groups.adapters.count();
        sartor_expert_projection.weights(s, structs(p.weights(), what, a));
        sartor_expert_projection.bias(s, a.inOrNull("bias" + what, p.bias(), FLOAT32, groups.experts, out));
        sartor_expert_projection.lora_a(s, a.inOrNull("loraA" + what, p.loraA(), FLOAT32, adapters, rank, groups.in));
        sartor_expert_projection.lora_b(s, a.inOrNull("loraB" + what, p.loraB(), FLOAT32, adapters, out, rank));
        sartor_expert_projection.y(s, a.out("y" + what, p.y(), groups.dtype, groups.rows, out));
        sartor_expert_projection.h(s, a.outOrNull("h" + what, p.h(), FLOAT32, groups.rows, rank));
        sartor_expert_projection.out(s, out);
        sartor_expert_projection.rank(s, a.int32("rank" + what, rank));
        sartor_expert_projection.scaling(s, a.finite("scaling" + what, p.scaling()));
    }

    static void backward(GroupedLinearBackward k, Arguments a) {
        var s = a.struct();
        int count = count(k.projections(), a);
        var first = k.projections().getFirst();
        var dtype = a.computeType("dy", first.dy());
        long rows = a.rows("dy", first.dy());
        int topK = topK(k.topK(), k.permutation(), a);
        a.require(rows % topK == 0, "dy", "a multiple of " + topK + " rows", rows);
        a.require(!a.present("weights", first.weights()).isEmpty(), "weights", "at least one expert", "none");
        var groups = groups(dtype, rows, a.present("weights", first.weights().getFirst()).columns(), k.offsets(), k.adapters(), a);
        for (int i = 0; i < count; i++) {
            projection(sartor_grouped_linear_backward.projections(s, i), k.projections().get(i), groups, k.x(), what(i), a);
        }
        a.require(k.dx() != null || !k.accumulate(), "accumulate", "false without dx", true);
        a.require(k.permutation() == null || k.dx() == null || k.inverse() != null, "inverse",
                "a tensor, with dx and a permutation", "none");
        sartor_grouped_linear_backward.x(s, a.inOrNull("x", k.x(), dtype, rows / topK, groups.in));
        sartor_grouped_linear_backward.dx(s, a.outOrNull("dx", k.dx(), dtype, rows / topK, groups.in));
        sartor_grouped_linear_backward.offsets(s, a.in("offsets", k.offsets(), INT32, groups.experts + 1L));
        sartor_grouped_linear_backward.permutation(s, a.inOrNull("permutation", k.permutation(), INT32, rows));
        sartor_grouped_linear_backward.inverse(s, a.inOrNull("inverse", k.inverse(), INT32, rows));
        sartor_grouped_linear_backward.adapters(s, adapters(k.adapters(), a));
        sartor_grouped_linear_backward.rows(s, rows);
        sartor_grouped_linear_backward.in(s, groups.in);
        sartor_grouped_linear_backward.experts(s, groups.experts);
        sartor_grouped_linear_backward.adapter_count(s, groups.adapters.count());
        sartor_grouped_linear_backward.top_k(s, topK);
        sartor_grouped_linear_backward.projection_count(s, count);
        sartor_grouped_linear_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_grouped_linear_backward.dtype(s, a.code("dy", dtype));
    }

    private static void projection(
            MemorySegment s, GroupedLinearBackward.Projection p, Groups groups, Tensor x, String what, Arguments a) {
        long out = weights(p.weights(), groups, what, a);
        long rank = groups.rank(p.loraA(), p.loraB(), what, a);
        boolean adapter = p.dLoraA() != null;
        a.require(adapter == (p.dLoraB() != null), "dLoraB" + what, "a tensor where dLoraA is one, else none",
                p.dLoraB() == null ? "none" : p.dLoraB().spec());
        a.require(!adapter || rank > 0, "loraA" + what, "a tensor, for dLoraA is asked for", "none");
        if (adapter || p.dWeight() != null) {
            a.present("x", x);
        }
        if (adapter) {
            a.present("h" + what, p.h());
        }
        int adapters = groups.adapters.count();
        sartor_expert_projection_backward.dy(s, a.in("dy" + what, p.dy(), groups.dtype, groups.rows, out));
        sartor_expert_projection_backward.h(s, a.inOrNull("h" + what, p.h(), FLOAT32, groups.rows, rank));
        sartor_expert_projection_backward.weights(s, structs(p.weights(), what, a));
        sartor_expert_projection_backward.lora_a(s, a.inOrNull("loraA" + what, p.loraA(), FLOAT32, adapters, rank, groups.in));
        sartor_expert_projection_backward.lora_b(s, a.inOrNull("loraB" + what, p.loraB(), FLOAT32, adapters, out, rank));
        sartor_expert_projection_backward.d_lora_a(s, a.outOrNull("dLoraA" + what, p.dLoraA(), FLOAT32, adapters, rank, groups.in));
        sartor_expert_projection_backward.d_lora_b(s, a.outOrNull("dLoraB" + what, p.dLoraB(), FLOAT32, adapters, out, rank));
        sartor_expert_projection_backward.d_weight(s,
                a.outOrNull("dWeight" + what, p.dWeight(), FLOAT32, groups.experts, out, groups.in));
        sartor_expert_projection_backward.d_bias(s, a.outOrNull("dBias" + what, p.dBias(), FLOAT32, groups.experts, out));
        sartor_expert_projection_backward.out(s, out);
        sartor_expert_projection_backward.rank(s, a.int32("rank" + what, rank));
        sartor_expert_projection_backward.scaling(s, a.finite("scaling" + what, p.scaling()));
    }

    private static Groups groups(DType dtype, long rows, long in, Tensor offsets, ExpertAdapters adapters, Arguments a) {
        int experts = EncodeExperts.experts("offsets", a.count("offsets", offsets) - 1, a);
        a.int32("rows", rows);
        if (adapters != null) {
            checkAdapters(adapters, experts, a);
        }
        return new Groups(dtype, rows, in, experts, adapters == null ? new ExpertAdapters(List.of()) : adapters);
    }

    private static void checkAdapters(ExpertAdapters adapters, int experts, Arguments a) {
        a.require(adapters.ofExpert().size() == experts, "adapters", "one for each of " + experts + " experts",
                adapters.ofExpert().size());
        var seen = new BitSet();
        int before = ExpertAdapters.NONE;
        for (int adapter : adapters.ofExpert()) {
            a.require(adapter >= ExpertAdapters.NONE && adapter < experts, "adapters", "numbers from -1 (none), below " + experts, adapter);
            a.require(adapter < 0 || adapter == before || !seen.get(adapter), "adapters", "experts of one adapter side by side",
                    adapters.ofExpert());
            if (adapter >= 0) {
                seen.set(adapter);
            }
            before = adapter;
        }
    }

    private static int topK(int topK, Tensor permutation, Arguments a) {
        a.require(topK >= 1, "topK", "at least 1", topK);
        a.require(permutation != null || topK == 1, "topK", "1 without a permutation", topK);
        return topK;
    }

    private static int count(List<?> projections, Arguments a) {
        int most = sartor_h.SARTOR_MAX_PROJECTIONS();
        a.require(!projections.isEmpty() && projections.size() <= most, "projections", "1 to " + most, projections.size());
        return projections.size();
    }

    /** How messages name what a projection after the first has. */
    private static String what(int projection) {
        return projection == 0 ? "" : " of projection " + projection;
    }

    /** Features out, the same of all experts. */
    private static long weights(List<Matrix> weights, Groups groups, String what, Arguments a) {
        a.require(a.present("weights" + what, weights).size() == groups.experts, "weights" + what, "one for each of " + groups.experts + " experts",
                weights.size());
        long out = a.present("weight" + what, weights.getFirst()).rows();
        for (int e = 0; e < weights.size(); e++) {
            var weight = a.present("weight" + what + ", expert " + e, weights.get(e));
            a.require(weight.rows() == out && weight.columns() == groups.in, "weight" + what + ", expert " + e,
                    "[" + out + ", " + groups.in + "]", Matrices.text(weight));
        }
        return out;
    }

    private static MemorySegment structs(List<Matrix> weights, String what, Arguments a) {
        var structs = a.allocate(sartor_weight.layout(), weights.size());
        for (int e = 0; e < weights.size(); e++) {
            a.weight(sartor_weight.asSlice(structs, e), "weight" + what + ", expert " + e, weights.get(e));
        }
        return structs;
    }

    private static MemorySegment adapters(ExpertAdapters adapters, Arguments a) {
        return adapters == null ? MemorySegment.NULL : a.ints(adapters.ofExpert());
    }
}
