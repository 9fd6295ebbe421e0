package dev.sartor.cli;

import dev.sartor.io.AtomicFiles;
import dev.sartor.io.Json;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.QuantizationReport;
import dev.sartor.model.QuantizedModelWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "quantize",
        description = {
            "Writes a model with its linear layers in 4 or 8 bits, as Transformers stores them with bitsandbytes.",
            "Say how with --set quantization=nf4 (or fp4, int8) and --set double_quant=true."
        },
        mixinStandardHelpOptions = true)
final class QuantizeCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the model")
    private Path modelPath;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "the directory to be written, new or empty; --set overwrite_output_dir=true for others")
    private Path output;

    @Option(names = "--modules", description = "list the error of each layer")
    private boolean modules;

    @Option(names = "--json", description = "print the result as one line of JSON")
    private boolean json;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe();
        var config = QuantizationKeys.read(recipe);
        if (config == null) {
            throw new IllegalArgumentException("say how: --set quantization=nf4, fp4 or int8");
        }
        try (var engine = RunOptions.engine(recipe); var interrupted = new ShutdownHook(AtomicFiles::abandon)) {
            print(QuantizedModelWriter.write(engine.device(), modelPath, RunOptions.output(output, recipe), config, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES));
        }
        return 0;
    }

    private void print(QuantizationReport report) {
        if (json) {
            var line = Json.object();
            line.put("bytes_before", report.bytesBefore());
            line.put("bytes_after", report.bytesAfter());
            line.put("peak_resident_bytes", ProcessMemory.peak());
            line.put("mean_relative_error", report.mean());
            report.worst().ifPresent(worst -> line.put("worst_relative_error", worst.error()).put("worst_module", worst.module()));
            var errors = line.putObject("modules");
            report.modules().forEach(loss -> errors.put(loss.module(), loss.error()));
            System.out.println(Json.compact(line));
            return;
        }
        if (modules) {
            report.modules().forEach(loss -> System.out.println("%-60s %.3e".formatted(loss.module(), loss.error())));
        }
        System.out.println("quantized %d layers into %s: %,.1f MiB -> %,.1f MiB".formatted(
                report.modules().size(), output, report.bytesBefore() / 1048576.0, report.bytesAfter() / 1048576.0));
        report.worst().ifPresent(worst -> System.out.println(
                "relative error of a layer's weights: mean %.3e, worst %.3e (%s)".formatted(report.mean(), worst.error(), worst.module())));
    }
}
