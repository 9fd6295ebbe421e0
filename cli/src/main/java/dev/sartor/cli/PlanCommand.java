package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.io.Json;
import dev.sartor.train.MemoryPlan;
import dev.sartor.train.TrainingSetup;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "plan",
        description = "Tells what memory a training run will need, without allocating it. Only config.json is read.",
        mixinStandardHelpOptions = true)
final class PlanCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "RECIPE.yaml", description = "a recipe")
    private Path recipeFile;

    @Option(names = "--model", paramLabel = "DIR", description = "the base model")
    private Path model;

    @Option(names = "--batch", paramLabel = "N", description = "rows a micro-batch; the recipe's if not given")
    private Integer batch;

    @Option(names = "--sequence", paramLabel = "N", description = "tokens a row; the recipe's max_length if not given")
    private Integer sequence;

    @Option(names = "--json", description = "print the result as one line of JSON")
    private boolean json;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe(recipeFile);
        if (model != null) {
            recipe.set("model_name_or_path", model.toString());
        }
        try (var engine = RunOptions.engine(recipe)) {
            var arguments = RecipeReader.arguments(recipe);
            var plan = MemoryPlan.of(engine.device(), setup(recipe), arguments,
                    batch == null ? arguments.perDeviceTrainBatchSize() : batch,
                    sequence == null ? RecipeReader.maxLength(recipe) : sequence);
            print(plan);
        }
        return 0;
    }

    static TrainingSetup.Options setup(Recipe recipe) throws IOException {
        return new TrainingSetup.Options(Path.of(recipe.required("model_name_or_path")), RunOptions.dtype(recipe),
                QuantizationKeys.read(recipe), RecipeReader.adapter(recipe), recipe.whole("seed").orElse(42), TrainingSetup.Start.FILES);
    }

    private void print(MemoryPlan plan) {
        long total = JvmMemory.FIXED_BYTES + plan.bytes();
        if (json) {
            var line = Json.object();
            line.put("planned_bytes", total);
            line.put("weights", plan.weights());
            line.put("mapped", plan.mapped());
            line.put("adapters", plan.adapters());
            line.put("optimizer", plan.optimizer());
            line.put("optimizer_file", plan.optimizerFile());
            line.put("activations", plan.activations());
            line.put("scratch", plan.scratch());
            line.put("jvm", JvmMemory.FIXED_BYTES);
            line.put("trained_parameters", plan.parameters());
            System.out.println(Json.compact(line));
            return;
        }
        System.out.println("trained parameters    %,14d".formatted(plan.parameters()));
        row("weights", plan.weights());
        row("files read in place", plan.mapped());
        row("adapter and gradients", plan.adapters());
        row("optimizer and batch", plan.optimizer());
        row("activations", plan.activations());
        row("kernels' scratch", plan.scratch());
        row("JVM, fixed", JvmMemory.FIXED_BYTES);
        row("peak resident", total);
        if (plan.optimizerFile() > 0) {
            row("optimizer's file", plan.optimizerFile());
        }
    }

    private static void row(String name, long bytes) {
        System.out.println("%-22s%10.1f MiB".formatted(name, bytes / 1048576.0));
    }
}
