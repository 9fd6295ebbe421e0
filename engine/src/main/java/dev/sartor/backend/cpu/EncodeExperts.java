package dev.sartor.backend.cpu;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT32;

import dev.sartor.bindings.cpu.sartor_combine;
import dev.sartor.bindings.cpu.sartor_combine_backward;
import dev.sartor.bindings.cpu.sartor_dispatch;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_route;
import dev.sartor.bindings.cpu.sartor_route_backward;
import dev.sartor.bindings.cpu.sartor_router_losses;
import dev.sartor.bindings.cpu.sartor_router_statistics;
import dev.sartor.device.kernel.Combine;
import dev.sartor.device.kernel.CombineBackward;
import dev.sartor.device.kernel.Dispatch;
import dev.sartor.device.kernel.GroupScore;
import dev.sartor.device.kernel.Route;
import dev.sartor.device.kernel.RouteBackward;
import dev.sartor.device.kernel.RouterLosses;
import dev.sartor.device.kernel.RouterScoring;
import dev.sartor.device.kernel.RouterStatistics;
import dev.sartor.device.kernel.Routing;
import java.lang.foreign.ValueLayout;

/** Mixtures of experts: routing, and the order of their rows. */
final class EncodeExperts {
    private EncodeExperts() {}

    static void route(Route k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("logits", k.logits());
        long rows = a.rows("logits", k.logits());
        int experts = experts("logits", a.width("logits", k.logits()), a);
        var routing = routing(k.routing(), experts, a);
        a.require(routing.nGroup() >= 1 && experts % routing.nGroup() == 0, "n_group", "a divisor of " + experts + " experts",
                routing.nGroup());
        int size = experts / routing.nGroup();
        a.require(routing.topkGroup() >= 1 && routing.topkGroup() <= routing.nGroup() && routing.topkGroup() * size >= routing.topK(),
                "topk_group", "groups, at most " + routing.nGroup() + ", that have " + routing.topK() + " experts", routing.topkGroup());
        var groupScore = a.present("groupScore", routing.groupScore());
        a.require(groupScore == GroupScore.MAX || routing.nGroup() == 1 || size >= 2, "n_group",
                "groups of at least two experts", routing.nGroup());
        sartor_route.logits(s, a.in("logits", k.logits(), dtype, rows, experts));
        sartor_route.correction_bias(s, a.inOrNull("correctionBias", k.correctionBias(), FLOAT32, experts));
        sartor_route.indices(s, a.out("indices", k.indices(), INT32, rows, routing.topK()));
        sartor_route.weights(s, a.out("weights", k.weights(), FLOAT32, rows, routing.topK()));
        sartor_route.rows(s, rows);
        sartor_route.experts(s, experts);
        sartor_route.top_k(s, routing.topK());
        sartor_route.n_group(s, routing.nGroup());
        sartor_route.topk_group(s, routing.topkGroup());
        sartor_route.group_score(s, switch (groupScore) {
            case MAX -> sartor_h.SARTOR_GROUP_MAX();
            case TOP2_SUM -> sartor_h.SARTOR_GROUP_TOP2_SUM();
        });
        sartor_route.scoring(s, code(routing.scoring()));
        sartor_route.norm_topk_prob(s, Arguments.flag(routing.normTopkProb()));
        sartor_route.routed_scaling_factor(s, a.finite("routed_scaling_factor", routing.routedScalingFactor()));
        sartor_route.dtype(s, a.code("logits", dtype));
    }

    static void routeBackward(RouteBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("logits", k.logits());
        long rows = a.rows("logits", k.logits());
        int experts = experts("logits", a.width("logits", k.logits()), a);
        var routing = routing(k.routing(), experts, a);
        sartor_route_backward.d_weights(s, a.in("dWeights", k.dWeights(), FLOAT32, rows, routing.topK()));
        sartor_route_backward.logits(s, a.in("logits", k.logits(), dtype, rows, experts));
        sartor_route_backward.indices(s, a.in("indices", k.indices(), INT32, rows, routing.topK()));
        sartor_route_backward.d_logits(s, a.out("dLogits", k.dLogits(), dtype, rows, experts));
        sartor_route_backward.rows(s, rows);
        sartor_route_backward.experts(s, experts);
        sartor_route_backward.top_k(s, routing.topK());
        sartor_route_backward.scoring(s, code(routing.scoring()));
        sartor_route_backward.norm_topk_prob(s, Arguments.flag(routing.normTopkProb()));
        sartor_route_backward.routed_scaling_factor(s, a.finite("routed_scaling_factor", routing.routedScalingFactor()));
        sartor_route_backward.accumulate(s, Arguments.flag(k.accumulate()));
        sartor_route_backward.dtype(s, a.code("logits", dtype));
    }

    static void dispatch(Dispatch k, Arguments a) {
        var s = a.struct();
        long assignments = a.int32("indices", a.count("indices", k.indices()));
        int experts = experts("load", a.count("load", k.load()), a);
        a.require(k.capacity() >= 0, "capacity", "0 (none is dropped) or more", k.capacity());
        sartor_dispatch.indices(s, a.in("indices", k.indices(), INT32, assignments));
        sartor_dispatch.offsets(s, a.out("offsets", k.offsets(), INT32, experts + 1L));
        sartor_dispatch.permutation(s, a.out("permutation", k.permutation(), INT32, assignments));
        sartor_dispatch.inverse(s, a.out("inverse", k.inverse(), INT32, assignments));
        sartor_dispatch.load(s, a.out("load", k.load(), INT32, experts));
        sartor_dispatch.assignments(s, assignments);
        sartor_dispatch.capacity(s, k.capacity());
        sartor_dispatch.experts(s, experts);
    }

    static void combine(Combine k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("out", k.out());
        long rows = a.rows("out", k.out());
        long width = a.width("out", k.out());
        int topK = a.int32("inverse", a.width("inverse", k.inverse()));
        sartor_combine.y(s, a.in("y", k.y(), dtype, Math.multiplyExact(rows, topK), width));
        sartor_combine.weights(s, a.inOrNull("weights", k.weights(), FLOAT32, rows, topK));
        sartor_combine.inverse(s, a.in("inverse", k.inverse(), INT32, rows, topK));
        sartor_combine.out(s, a.out("out", k.out(), dtype, rows, width));
        sartor_combine.rows(s, rows);
        sartor_combine.width(s, width);
        sartor_combine.top_k(s, topK);
        sartor_combine.dtype(s, a.code("out", dtype));
    }

    static void combineBackward(CombineBackward k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("dOut", k.dOut());
        long rows = a.rows("dOut", k.dOut());
        long width = a.width("dOut", k.dOut());
        int topK = a.int32("inverse", a.width("inverse", k.inverse()));
        long grouped = Math.multiplyExact(rows, topK);
        a.require(k.y() != null || k.dWeights() == null, "y", "a tensor, for dWeights is asked for", "none");
        sartor_combine_backward.d_out(s, a.in("dOut", k.dOut(), dtype, rows, width));
        sartor_combine_backward.y(s, a.inOrNull("y", k.y(), dtype, grouped, width));
        sartor_combine_backward.weights(s, a.inOrNull("weights", k.weights(), FLOAT32, rows, topK));
        sartor_combine_backward.inverse(s, a.in("inverse", k.inverse(), INT32, rows, topK));
        sartor_combine_backward.dy(s, a.outOrNull("dy", k.dy(), dtype, grouped, width));
        sartor_combine_backward.d_weights(s, a.outOrNull("dWeights", k.dWeights(), FLOAT32, rows, topK));
        sartor_combine_backward.rows(s, rows);
        sartor_combine_backward.width(s, width);
        sartor_combine_backward.top_k(s, topK);
        sartor_combine_backward.dtype(s, a.code("dOut", dtype));
    }

    static void routerLosses(RouterLosses k, Arguments a) {
        var s = a.struct();
        a.require(!k.layers().isEmpty(), "layers", "at least one", 0);
        var first = k.layers().getFirst().logits();
        var dtype = a.computeType("logits", first);
        long rows = a.rows("logits", first);
        int experts = experts("logits", a.width("logits", first), a);
        int count = k.layers().size();
        a.require(k.topK() >= 1 && k.topK() <= experts, "top_k", "1 to " + experts + " experts", k.topK());
        var logits = a.allocate(ValueLayout.ADDRESS, count);
        var dLogits = a.allocate(ValueLayout.ADDRESS, count);
        for (int i = 0; i < count; i++) {
            var layer = k.layers().get(i);
            String what = i == 0 ? "" : " of layer " + i;
            logits.setAtIndex(ValueLayout.ADDRESS, i, a.in("logits" + what, layer.logits(), dtype, rows, experts));
            dLogits.setAtIndex(ValueLayout.ADDRESS, i, a.outOrNull("dLogits" + what, layer.dLogits(), dtype, rows, experts));
        }
        sartor_router_losses.logits(s, logits);
        sartor_router_losses.d_logits(s, dLogits);
        sartor_router_losses.token_weights(s, a.inOrNull("tokenWeights", k.tokenWeights(), FLOAT32, rows));
        sartor_router_losses.scale(s, a.inOrNull("scale", k.scale(), FLOAT32, 1));
        sartor_router_losses.losses(s, a.out("losses", k.losses(), FLOAT32, 2));
        sartor_router_losses.rows(s, rows);
        sartor_router_losses.layers(s, count);
        sartor_router_losses.experts(s, experts);
        sartor_router_losses.top_k(s, k.topK());
        sartor_router_losses.router_aux_loss_coef(s, a.finite("router_aux_loss_coef", k.auxLossCoef()));
        sartor_router_losses.router_z_loss_coef(s, a.finite("router_z_loss_coef", k.zLossCoef()));
        sartor_router_losses.dtype(s, a.code("logits", dtype));
    }

    static void routerStatistics(RouterStatistics k, Arguments a) {
        var s = a.struct();
        var dtype = a.computeType("logits", k.logits());
        long rows = a.rows("logits", k.logits());
        int experts = experts("logits", a.width("logits", k.logits()), a);
        int topK = a.int32("indices", a.width("indices", k.indices()));
        a.require(topK >= 1 && topK <= experts, "indices", "1 to " + experts + " experts a token", topK);
        sartor_router_statistics.logits(s, a.in("logits", k.logits(), dtype, rows, experts));
        sartor_router_statistics.indices(s, a.in("indices", k.indices(), INT32, rows, topK));
        sartor_router_statistics.inverse(s, a.in("inverse", k.inverse(), INT32, rows, topK));
        sartor_router_statistics.token_weights(s, a.inOrNull("tokenWeights", k.tokenWeights(), FLOAT32, rows));
        sartor_router_statistics.statistics(s, a.out("statistics", k.statistics(), FLOAT32, experts + 3L));
        sartor_router_statistics.rows(s, rows);
        sartor_router_statistics.experts(s, experts);
        sartor_router_statistics.top_k(s, topK);
        sartor_router_statistics.scoring(s, code(a.present("scoring", k.scoring())));
        sartor_router_statistics.dtype(s, a.code("logits", dtype));
    }

    static int experts(String name, long experts, Arguments a) {
        a.require(experts >= 1 && experts <= sartor_h.SARTOR_MAX_EXPERTS(), name,
                "1 to " + sartor_h.SARTOR_MAX_EXPERTS() + " experts", experts);
        return (int) experts;
    }

    private static Routing routing(Routing routing, int experts, Arguments a) {
        a.present("routing", routing);
        a.require(routing.topK() >= 1 && routing.topK() <= experts, "top_k", "1 to " + experts + " experts", routing.topK());
        a.present("scoring", routing.scoring());
        return routing;
    }

    private static int code(RouterScoring scoring) {
        return switch (scoring) {
            case SOFTMAX -> sartor_h.SARTOR_SCORING_SOFTMAX();
            case SIGMOID -> sartor_h.SARTOR_SCORING_SIGMOID();
        };
    }
}
