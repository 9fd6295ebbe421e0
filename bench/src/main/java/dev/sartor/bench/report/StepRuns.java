package dev.sartor.bench.report;

import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** What bench/peers.sh wrote: a line of JSON for each run of a program. */
final class StepRuns {
    private final List<JsonNode> lines = new ArrayList<>();

    /** Empty where the file is not there. */
    StepRuns(Path file) throws IOException {
        if (Files.exists(file)) {
            for (var line : Files.readAllLines(file)) {
                lines.add(Json.parse(line, file.toString()));
            }
        }
    }

    /** Runs of the same thing. */
    record Side(List<JsonNode> runs) {
        boolean isEmpty() {
            return runs.stream().allMatch(Side::failed);
        }

        /** The first run's error, if one failed. */
        Optional<String> error() {
            return runs.stream().filter(Side::failed).map(run -> run.required("error").stringValue()).findFirst();
        }

        /** The median of the runs; NaN where there is none. */
        double median(String key) {
            double[] values = values(key);
            return values.length == 0 ? Double.NaN : (values[(values.length - 1) / 2] + values[values.length / 2]) / 2;
        }

        double max(String key) {
            double[] values = values(key);
            return values.length == 0 ? Double.NaN : values[values.length - 1];
        }

        private double[] values(String key) {
            return runs.stream().filter(run -> !failed(run)).mapToDouble(run -> run.required(key).doubleValue()).sorted().toArray();
        }

        private static boolean failed(JsonNode run) {
            return run.has("error");
        }
    }

    Side side(String name, String side, String method, String dtype) {
        return new Side(of("step").stream().filter(run -> is(run, "case", name) && is(run, "side", side)
                && is(run, "method", method) && is(run, "dtype", dtype)).toList());
    }

    /** One row, its weights stored so. */
    Side decoding(String weights) {
        return new Side(of("decode").stream().filter(run -> is(run, "method", weights)).toList());
    }

    /** A layer of experts. */
    Side experts(String side, String dtype) {
        return new Side(of("experts").stream().filter(run -> is(run, "side", side) && is(run, "dtype", dtype)).toList());
    }

    List<JsonNode> of(String kind) {
        return lines.stream().filter(run -> is(run, "kind", kind)).toList();
    }

    static boolean is(JsonNode run, String key, String value) {
        return run.path(key).stringValue("").equals(value);
    }

    boolean isEmpty() {
        return lines.isEmpty();
    }
}
