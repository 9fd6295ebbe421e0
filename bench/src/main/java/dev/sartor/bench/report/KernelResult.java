package dev.sartor.bench.report;

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
 */
record KernelResult(
        String benchmark, String method, Map<String, String> params, double seconds, Work work, Set<String> kernels) {
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
        var work = new HashMap<Key, JsonNode>();
        if (Files.exists(works)) {
            for (var line : Files.readAllLines(works)) {
                var node = Json.parse(line, works.toString());
                work.put(Key.of(node), node);
            }
        }
        var results = new ArrayList<KernelResult>();
        if (Files.exists(jmh)) {
            for (var node : Json.read(jmh)) {
                if (node.required("mode").stringValue().equals("avgt")) {
                    var key = Key.of(node);
                    results.add(of(key, node.required("primaryMetric"), work.get(key)));
                }
            }
        }
        return results;
    }

    private static KernelResult of(Key key, JsonNode metric, JsonNode work) {
        var names = key.benchmark.split("\\.");
        double unit = SECONDS.get(metric.required("scoreUnit").stringValue());
        double score = metric.required("scorePercentiles").required("50.0").doubleValue();
        var kernels = new TreeSet<String>();
        if (work != null) {
            work.required("kernels").forEach(kernel -> kernels.add(kernel.stringValue()));
        }
        return new KernelResult(names[names.length - 2].replaceFirst("Benchmark$", ""), names[names.length - 1], key.params,
                score * unit,
                work == null ? null : new Work(work.required("flops").doubleValue(), work.required("bytes").doubleValue()),
                kernels);
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
}
