package dev.sartor.cli;

import dev.sartor.Engine;
import dev.sartor.cli.recipe.Recipe;
import dev.sartor.io.OutputDirectory;
import dev.sartor.model.LanguageModel;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** What every command that computes takes. */
final class RunOptions {
    @Option(names = "--device", paramLabel = "NAME", description = "auto, cpu or reference; sartor devices tells which are usable")
    private String device;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "set or override a recipe's key; sartor keys lists them")
    private List<String> assignments = List.of();

    /** An empty recipe with what the command line sets. */
    Recipe recipe() {
        return apply(new Recipe());
    }

    /** A recipe from a file, with what the command line sets on top. */
    Recipe recipe(Path file) throws IOException {
        return file == null ? recipe() : apply(Recipe.read(file));
    }

    private Recipe apply(Recipe recipe) {
        assignments.forEach(recipe::set);
        if (device != null) {
            recipe.set("device", device);
        }
        return recipe;
    }

    /** Where a command writes, as the recipe's overwrite_output_dir allows. */
    static OutputDirectory output(Path directory, Recipe recipe) {
        return OutputDirectory.of(directory, recipe.flag("overwrite_output_dir", false));
    }

    static Engine engine(Recipe recipe) {
        return Engine.open(recipe.text("device").orElse("auto"));
    }

    /** float32 unless the recipe says otherwise. */
    static DType dtype(Recipe recipe) {
        return recipe.text("dtype").map(name -> name.equals("bfloat16") ? DType.BFLOAT16 : DType.FLOAT32).orElse(DType.FLOAT32);
    }

    /** A frozen model as the recipe asks for it. */
    static LanguageModel model(Engine engine, Path directory, Recipe recipe) throws IOException {
        return LanguageModel.open(engine.device(), directory, dtype(recipe), false, QuantizationKeys.read(recipe));
    }
}
