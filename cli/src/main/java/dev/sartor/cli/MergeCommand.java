package dev.sartor.cli;

import dev.sartor.io.AtomicFiles;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.peft.Merge;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "merge",
        description = "Writes a model with an adapter merged into its weights, and tells what rounding cost.",
        mixinStandardHelpOptions = true)
final class MergeCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the base model")
    private Path modelPath;

    @Option(names = "--adapter", required = true, paramLabel = "DIR", description = "the adapter")
    private Path adapter;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "the directory to be written, new or empty; --set overwrite_output_dir=true for others")
    private Path output;

    @Option(names = "--save-dtype", paramLabel = "TYPE", description = "float32, bfloat16 or float16; if not given, as in the base, or bfloat16 where that is quantized")
    private String saved;

    @Option(names = "--original", paramLabel = "DIR", description = "the base model before it was quantized, to tell what that had cost")
    private Path original;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var dtype = saved == null ? null : switch (saved) {
            case "float32" -> DType.FLOAT32;
            case "bfloat16" -> DType.BFLOAT16;
            case "float16" -> DType.FLOAT16;
            default -> throw new IllegalArgumentException("--save-dtype " + saved + ": expected float32, bfloat16 or float16");
        };
        var recipe = options.recipe();
        var target = RunOptions.output(output, recipe).sparing("the base model's", modelPath).sparing("the adapter's", adapter)
                .sparing("the original model's", original);
        target.require();
        try (var engine = RunOptions.engine(recipe);
                var model = RunOptions.model(engine, modelPath, recipe);
                var adapted = AdaptedModel.of(model, adapter);
                var interrupted = new ShutdownHook(AtomicFiles::abandon)) {
            var report = Merge.write(adapted.adapters(), AdaptedModel.NAME, modelPath, target, dtype, original, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            System.out.println("merged %d layers into %s".formatted(report.modules().size(), output));
            report.worst().ifPresent(worst -> System.out.println(
                    "drift: storing the merged weights lost at most %.2e of a weight's norm (%s); the adapter changed it by %.2e"
                            .formatted(worst.rounding(), worst.module(), worst.update())));
            if (model.quantization().isPresent()) {
                System.out.println("the base is quantized (%s): %sall are written in %s%s".formatted(
                        model.quantization().get().describe(), more(report.dequantized().size()), saved == null ? "bfloat16" : saved,
                        report.worstQuantized().map(worst -> "; quantizing had cost at most %.2e of a weight's norm (%s)".formatted(
                                worst.quantization().getAsDouble(), worst.module()))
                                .orElse("; what quantizing had cost can be told with --original, the unquantized base")));
            }
        }
        return 0;
    }

    private static String more(int layers) {
        return layers == 0 ? "" : layers == 1 ? "1 more layer was dequantized, " : layers + " more layers were dequantized, ";
    }
}
