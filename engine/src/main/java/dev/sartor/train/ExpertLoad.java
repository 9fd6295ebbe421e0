package dev.sartor.train;

import dev.sartor.io.Json;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/**
 * How a layer's router distributed tokens, padding left out.
 *
 * @param layer the mixture's name, such as {@code model.layers.3.mlp}
 * @param assignments of each expert, dropped ones too
 * @param entropies the tokens' entropies over the experts together, in nats
 * @param dropped assignments that an expert had no room for
 */
public record ExpertLoad(String layer, List<Double> assignments, double entropies, double dropped, double tokens) {
    public ExpertLoad {
        assignments = List.copyOf(assignments);
    }

    /** @param statistics of {@link dev.sartor.device.kernel.RouterStatistics} */
    static ExpertLoad of(String layer, float[] statistics) {
        int experts = statistics.length - 3;
        return new ExpertLoad(layer, IntStream.range(0, experts).mapToObj(e -> (double) statistics[e]).toList(),
                statistics[experts], statistics[experts + 1], statistics[experts + 2]);
    }

    /** As {@link #toJson} wrote it, to the bit. */
    static ExpertLoad of(JsonNode json) {
        return new ExpertLoad(json.path("layer").asString(""), json.path("assignments").valueStream().map(JsonNode::asDouble).toList(),
                json.path("entropies").asDouble(0), json.path("dropped").asDouble(0), json.path("tokens").asDouble(0));
    }

    JsonNode toJson() {
        var json = Json.object();
        json.put("layer", layer);
        var each = json.putArray("assignments");
        assignments.forEach(each::add);
        json.put("entropies", entropies);
        json.put("dropped", dropped);
        json.put("tokens", tokens);
        return json;
    }

    ExpertLoad plus(ExpertLoad other) {
        return new ExpertLoad(layer, IntStream.range(0, assignments.size())
                .mapToObj(e -> assignments.get(e) + other.assignments.get(e)).toList(),
                entropies + other.entropies, dropped + other.dropped, tokens + other.tokens);
    }

    private double total() {
        return assignments.stream().mapToDouble(each -> each).sum();
    }

    /** Each expert's part of all assignments; together 1. */
    public List<Double> shares() {
        double total = total();
        return assignments.stream().map(each -> total == 0 ? 0 : each / total).toList();
    }

    /** Mean entropy of a token's distribution over the experts, in nats. */
    public double entropy() {
        return tokens == 0 ? 0 : entropies / tokens;
    }

    /** The busiest expert's assignments, in even shares: 1 where all have as many. */
    public double largest() {
        return shares().stream().mapToDouble(each -> each * assignments.size()).max().orElse(0);
    }

    /** How each expert's assignments compare with an even share: -1 below it, 1 above, 0 equal. */
    double[] signs() {
        double mean = total() / assignments.size();
        double[] signs = new double[assignments.size()];
        Arrays.setAll(signs, e -> Math.signum(assignments.get(e) - mean));
        return signs;
    }
}
