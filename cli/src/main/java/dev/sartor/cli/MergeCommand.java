package dev.sartor.cli;

import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
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

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "the directory to be written")
    private Path output;

    @Option(names = "--save-dtype", paramLabel = "TYPE", description = "float32, bfloat16 or float16; as in the base if not given")
    private String saved;

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
        try (var engine = RunOptions.engine(recipe);
                var model = LanguageModel.open(engine.device(), modelPath, RunOptions.dtype(recipe), false);
                var adapted = AdaptedModel.of(model, adapter)) {
            var report = Merge.write(adapted.adapters(), AdaptedModel.NAME, modelPath, output, dtype, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            System.out.println("merged %d layers into %s".formatted(report.modules().size(), output));
            report.worst().ifPresent(worst -> System.out.println(
                    "drift: storing the merged weights lost at most %.2e of a weight's norm (%s); the adapter changed it by %.2e"
                            .formatted(worst.rounding(), worst.module(), worst.update())));
        }
        return 0;
    }
}
