package dev.sartor.train;

import dev.sartor.io.Json;
import tools.jackson.databind.JsonNode;

/**
 * Losses of some steps together.
 *
 * @param sum the learned tokens' cross-entropies, in nats
 * @param routersSum the routers' losses of each step, summed, and their loads
 */
public record StepLoss(double sum, long learnedTokens, RouterReport routersSum, int steps) {
    static final StepLoss NONE = new StepLoss(0, 0, RouterReport.NONE, 0);

    /** As {@link #toJson} wrote it, to the bit; {@link #NONE} of nothing. */
    static StepLoss of(JsonNode json) {
        return new StepLoss(json.path("loss_sum").asDouble(0), json.path("learned_tokens").asLong(0),
                new RouterReport(json.path("aux_loss_sum").asDouble(0), json.path("router_z_loss_sum").asDouble(0),
                        json.path("weighted_router_loss_sum").asDouble(0),
                        json.path("experts").valueStream().map(ExpertLoad::of).toList()), json.path("steps").asInt(0));
    }

    JsonNode toJson() {
        var json = Json.object();
        json.put("steps", steps);
        json.put("loss_sum", sum);
        json.put("learned_tokens", learnedTokens);
        json.put("aux_loss_sum", routersSum.auxLoss());
        json.put("router_z_loss_sum", routersSum.zLoss());
        json.put("weighted_router_loss_sum", routersSum.weighted());
        var experts = json.putArray("experts");
        routersSum.layers().forEach(layer -> experts.add(layer.toJson()));
        return json;
    }

    StepLoss plus(StepLoss other) {
        return new StepLoss(sum + other.sum, learnedTokens + other.learnedTokens, routersSum.plus(other.routersSum), steps + other.steps);
    }

    /** The routers' losses of a step, on average, and all loads. */
    RouterReport routers() {
        return steps == 0 ? RouterReport.NONE : routersSum.lossesTimes(1.0 / steps);
    }

    /** The loss that is trained: each learned token weighs the same, and each step's routers do. */
    double mean() {
        return sum / learnedTokens + routers().weighted();
    }
}
