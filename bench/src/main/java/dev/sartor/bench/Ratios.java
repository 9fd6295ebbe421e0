package dev.sartor.bench;

import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * Reads JMH's JSON and prints our speed as a part of oneDNN's, wherever one run has the methods
 * {@code sartor} and {@code oneDnn} of the same benchmark with the same parameters.
 */
public final class Ratios {
    private static final String OURS = "sartor";
    private static final String THEIRS = "oneDnn";

    private Ratios() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 1) {
            System.err.println("expected one argument, the JSON file that JMH wrote with -rf json");
            System.exit(2);
        }
        Map<String, Map<String, Double>> pairs = new TreeMap<>();
        for (var result : Json.read(Path.of(arguments[0]))) {
            var name = result.required("benchmark").stringValue();
            int dot = name.lastIndexOf('.');
            var benchmark = name.substring(name.lastIndexOf('.', dot - 1) + 1, dot);
            pairs.computeIfAbsent(benchmark + parameters(result), _ -> new LinkedHashMap<>())
                    .put(name.substring(dot + 1), result.required("primaryMetric").required("score").doubleValue());
        }
        pairs.values().removeIf(times -> !times.keySet().containsAll(Set.of(OURS, THEIRS)));
        if (!pairs.isEmpty()) {
            System.out.println("%n%-48s%12s%12s%12s".formatted("", "ours ms", "oneDNN ms", "speed ratio"));
            pairs.forEach((name, times) -> System.out.println("%-48s%12.3f%12.3f%12.2f".formatted(
                    name, times.get(OURS), times.get(THEIRS), times.get(THEIRS) / times.get(OURS))));
        }
    }

    private static String parameters(JsonNode result) {
        var text = new StringBuilder();
        result.path("params").properties().forEach(each -> text.append(' ').append(each.getValue().stringValue()));
        return text.toString();
    }
}
