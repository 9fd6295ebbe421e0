package dev.sartor.bench;

import dev.sartor.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Tells the report what work a benchmark does, and what the machine could do at best beside it. JMH's
 * results hold times alone, and each benchmark runs in a process of its own, so a line of JSON goes to
 * the file that {@code sartor.bench.work} names: the benchmark and its parameters as JMH's JSON has
 * them, {@code flops}, {@code bytes}, {@code kernels}, {@code roof}, an object of {@link Roof}'s
 * components, and where there is another side {@code beside}: its {@code flops}, and the {@code seconds}
 * of a run in each iteration, those of warming up first.
 */
final class WorkLog {
    private static final String FILE = System.getProperty("sartor.bench.work");

    private WorkLog() {}

    /** Does nothing where no file is named. */
    static void write(BenchmarkParams benchmark, Work work, Collection<String> kernels, Roof roof, Beside beside) {
        if (FILE == null) {
            return;
        }
        var line = Json.object();
        line.put("benchmark", benchmark.getBenchmark());
        var params = line.putObject("params");
        benchmark.getParamsKeys().forEach(key -> params.put(key, benchmark.getParam(key)));
        line.put("flops", work.flops());
        line.put("bytes", work.bytes());
        var names = line.putArray("kernels");
        kernels.forEach(names::add);
        line.putObject("roof").put("flops", roof.flops()).put("copy", roof.copy()).put("read", roof.read());
        if (beside != null) {
            var seconds = line.putObject("beside").put("flops", beside.flops()).putArray("seconds");
            beside.seconds().forEach(seconds::add);
        }
        try {
            Files.write(Path.of(FILE), (Json.compact(line) + "\n").getBytes(StandardCharsets.UTF_8),
                    StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
