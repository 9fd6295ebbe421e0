package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.device.Device;
import dev.sartor.io.Json;
import dev.sartor.model.LanguageModel;
import dev.sartor.train.BatchShape;
import dev.sartor.train.MemoryPlan;
import dev.sartor.train.TrainingArguments;
import dev.sartor.train.TrainingSetup;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "plan",
        description = {
            "Tells what memory a training run will need, without allocating it. Only config.json is read.",
            "With a recipe, --batch or --sequence: of that run. With a model alone: a table of what fits."
        },
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

    @Option(names = "--memory", paramLabel = "SIZE", description = "what there is, such as 24GiB; this machine's if not given")
    private String memory;

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
        if (memory != null) {
            recipe.set("max_memory", memory, "--memory");
        }
        long limit = RecipeReader.memory(recipe);
        try (var engine = RunOptions.engine(recipe)) {
            if (recipeFile == null && batch == null && sequence == null) {
                var table = new PlanTable(recipe, limit);
                System.out.println(json ? table.json(engine.device()) : table.text(engine.device()));
                return 0;
            }
            var arguments = RecipeReader.arguments(recipe);
            if (sequence != null) {
                requirePositions(engine.device(), setup(recipe), sequence);
            }
            var shape = new BatchShape(batch == null ? arguments.perDeviceTrainBatchSize() : batch,
                    sequence == null ? RecipeReader.maxLength(recipe) : sequence);
            print(fitted(recipe, engine.device(), arguments, shape), limit, QuantizationKeys.assumption(recipe));
        }
        return 0;
    }

    /** Refuses rows that are longer than the model was made for. */
    static void requirePositions(Device device, TrainingSetup.Options setup, int sequence) throws IOException {
        try (var model = LanguageModel.planned(device, setup.model(), setup.dtype(), false, setup.quantization())) {
            long positions = model.config().maxPositions();
            if (sequence > positions) {
                throw new IllegalArgumentException("--sequence: " + sequence + " tokens are more than the " + positions + " positions of "
                        + setup.model() + "; set " + positions + " or less");
            }
        }
    }

    /** The plan of a recipe's training step, with the recomputation that the recipe says or memory asks for. */
    static MemoryPlan.Fitted fitted(Recipe recipe, Device device, TrainingArguments arguments, BatchShape shape) throws IOException {
        return RecipeReader.automaticRecompute(recipe)
                ? MemoryPlan.fitting(device, setup(recipe), arguments, shape, Optional.empty(),
                        RecipeReader.memory(recipe) - JvmMemory.FIXED_BYTES)
                : new MemoryPlan.Fitted(MemoryPlan.of(device, setup(recipe), arguments, shape, Optional.empty()),
                        arguments.recompute(), List.of());
    }

    static TrainingSetup.Options setup(Recipe recipe) throws IOException {
        return new TrainingSetup.Options(Path.of(recipe.required("model_name_or_path")), RunOptions.dtype(recipe),
                QuantizationKeys.read(recipe), RecipeReader.adapter(recipe), recipe.whole("seed").orElse(42), TrainingSetup.Start.FILES,
                RecipeReader.routers(recipe));
    }

    /** @param assumed in words, what the plan takes for granted */
    private void print(MemoryPlan.Fitted fitted, long limit, Optional<String> assumed) {
        var plan = fitted.plan();
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
            line.put("recomputation", fitted.recompute().description());
            line.put("fits", total <= limit);
            assumed.ifPresent(each -> line.put("assumes", each));
            System.out.println(Json.compact(line));
            return;
        }
        System.out.println("trained parameters    %,14d".formatted(plan.parameters()));
        row("weights", plan.weights());
        row("files read in place", plan.mapped());
        row("adapter and gradients", plan.adapters());
        row("optimizer", plan.optimizer());
        row("activations", plan.activations());
        row("kernels' scratch", plan.scratch());
        row("JVM, fixed", JvmMemory.FIXED_BYTES);
        row("peak resident", total);
        if (plan.optimizerFile() > 0) {
            row("optimizer's file", plan.optimizerFile());
        }
        System.out.println("recomputation: %s; %s in %,d MiB".formatted(
                fitted.recompute().description(), total <= limit ? "fits" : "does not fit", limit >> 20));
        assumed.ifPresent(each -> System.out.println("planned as " + each));
    }

    private static void row(String name, long bytes) {
        System.out.println("%-22s%10.1f MiB".formatted(name, bytes / 1048576.0));
    }
}
