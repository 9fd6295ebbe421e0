package dev.sartor.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "pretrain",
        description = {
            "Trains a model from a random start.",
            "The recipe's model directory holds config.json and the tokenizer; weights are not needed."
        },
        mixinStandardHelpOptions = true)
final class PretrainCommand implements Callable<Integer> {
    @Parameters(paramLabel = "RECIPE.yaml", description = "the recipe")
    private Path recipeFile;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe(recipeFile);
        recipe.set("peft_type=none");
        return new TrainingRun(recipe).run(true);
    }
}
