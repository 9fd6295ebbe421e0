package dev.sartor.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "sft",
        description = "Fine-tunes a model on data: with LoRA, or whole (peft_type: none).",
        mixinStandardHelpOptions = true)
final class SftCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "RECIPE.yaml", description = "a recipe")
    private Path recipeFile;

    @Option(names = "--model", paramLabel = "DIR", description = "the base model")
    private String model;

    @Option(names = "--data", paramLabel = "FILE", description = "training data: .txt, .jsonl or .json")
    private String data;

    @Option(names = "--output", paramLabel = "DIR", description = "where results go")
    private String output;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe(recipeFile);
        if (model != null) {
            recipe.set("model_name_or_path", model);
        }
        if (data != null) {
            recipe.set("dataset_name", data);
        }
        if (output != null) {
            recipe.set("output_dir", output);
        }
        return new TrainingRun(recipe).run(false);
    }
}
