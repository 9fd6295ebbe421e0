package dev.sartor.bench.report;

import dev.sartor.bench.Roof;
import dev.sartor.bench.Work;
import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * A benchmark that ran.
 *
 * @param benchmark class without "Benchmark", such as {@code Gemm}
 * @param method such as {@code sartor}
 * @param params JMH's, by name
 * @param seconds of one run, the median of the iterations
 * @param work null where the benchmark named none
 * @param kernels the kernels that ran
 * @param roof measured beside it; null where the benchmark named no work
 * @param speed its floating-point operations a second as a part of those of the side that it was
 *     measured by turns with: the median over iterations, each with its own turn; NaN where there is
 *     no such side
 */
record KernelResult(
        String benchmark, String method, Map<String, String> params, double seconds, Work work, Set<String> kernels, Roof roof,
        double speed) {
    private static final Map<String, Double> SECONDS = Map.of("ns/op", 1e-9, "us/op", 1e-6, "ms/op", 1e-3, "s/op", 1.0);

    /** What a line of work and a result of JMH have in common. */
    private record Key(String benchmark, Map<String, String> params) {
        static Key of(JsonNode node) {
            var params = new TreeMap<String, String>();
            node.path("params").properties().forEach(each -> params.put(each.getKey(), each.getValue().stringValue()));
            return new Key(node.required("benchmark").stringValue(), params);
        }
    }

    /**
     * @param jmh what JMH wrote with {@code -rf json}
     * @param works lines that {@link dev.sartor.bench.WorkLog} wrote
     */
    static List<KernelResult> read(Path jmh, Path works) throws IOException {
        var work = new HashMap<Key, List<JsonNode>>();
        if (Files.exists(works)) {
            for (var line : Files.readAllLines(works)) {
                var node = Json.parse(line, works.toString());
                work.computeIfAbsent(Key.of(node), key -> new ArrayList<>()).add(node);
            }
        }
        var results = new ArrayList<KernelResult>();
        if (Files.exists(jmh)) {
            for (var node : Json.read(jmh)) {
                if (node.required("mode").stringValue().equals("avgt")) {
                    var key = Key.of(node);
                    results.add(of(key, node.required("primaryMetric"), work.getOrDefault(key, List.of())));
                }
            }
        }
        return results;
    }

    /** @param lines one for each process that the benchmark ran in */
    private static KernelResult of(Key key, JsonNode metric, List<JsonNode> lines) {
        var names = key.benchmark.split("\\.");
        double unit = SECONDS.get(metric.required("scoreUnit").stringValue());
        double score = metric.required("scorePercentiles").required("50.0").doubleValue();
        Work work = null;
        Roof roof = null;
        double speed = Double.NaN;
        var kernels = new TreeSet<String>();
        if (!lines.isEmpty()) {
            var line = lines.getFirst();
            work = new Work(line.required("flops").doubleValue(), line.required("bytes").doubleValue());
            roof = new Roof(roof(lines, "flops"), roof(lines, "copy"), roof(lines, "read"));
            speed = speed(work.flops(), metric.path("rawData"), unit, lines);
            line.required("kernels").forEach(kernel -> kernels.add(kernel.stringValue()));
        }
        return new KernelResult(names[names.length - 2].replaceFirst("Benchmark$", ""), names[names.length - 1], key.params,
                score * unit, work, kernels, roof, speed);
    }

    private static double speed(double flops, JsonNode rawData, double unit, List<JsonNode> lines) {
        var speeds = new ArrayList<Double>();
        for (int fork = 0; fork < lines.size(); fork++) {
            var beside = lines.get(fork).path("beside");
            if (!beside.isMissingNode()) {
                var ours = rawData.required(fork);
                var theirs = beside.required("seconds");
                int warmUps = theirs.size() - ours.size();
                for (int i = 0; i < ours.size(); i++) {
                    double theirRate = beside.required("flops").doubleValue() / theirs.required(warmUps + i).doubleValue();
                    speeds.add(flops / (ours.required(i).doubleValue() * unit) / theirRate);
                }
            }
        }
        return Roof.median(speeds);
    }

    private static double roof(List<JsonNode> lines, String name) {
        return Roof.median(lines.stream().map(line -> line.required("roof").required(name).doubleValue()).toList());
    }

    /** The type of the activations; float32 where the benchmark has no such parameter. */
    String dtype() {
        return params.getOrDefault("dtype", "FLOAT32").toLowerCase(Locale.ROOT);
    }

    /** Such as {@code attention backward, 2048} or {@code rms_norm}. */
    String title() {
        if (params.containsKey("kernel")) {
            return params.get("kernel").toLowerCase(Locale.ROOT);
        }
        var rest = params.entrySet().stream().filter(each -> !each.getKey().equals("dtype")).map(Map.Entry::getValue)
                .collect(Collectors.joining(", "));
        var words = benchmark.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT) + " "
                + method.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
        return rest.isEmpty() ? words : words + ", " + rest;
    }

    double flopsPerSecond() {
        return work.flops() / seconds;
    }

    double bytesPerSecond() {
        return work.bytes() / seconds;
    }

    /** Speed as a part of the roof's; NaN where there is none. */
    double ofRoof() {
        return roof == null ? Double.NaN : roof.seconds(work) / seconds;
    }
}
