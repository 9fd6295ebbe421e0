package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.cli.recipe.RecipeException;
import dev.sartor.device.QuantType;
import dev.sartor.io.ModelDirectory;
import dev.sartor.quant.QuantizationConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** How recipes ask for quantized weights: Sartor's two keys, or those of BitsAndBytesConfig. */
final class QuantizationKeys {
    private QuantizationKeys() {}

    /**
     * What a recipe asks for, or null: then the model is taken as it is on disk.
     *
     * @throws RecipeException if keys contradict each other
     */
    static QuantizationConfig read(Recipe recipe) {
        boolean four = recipe.flag("load_in_4bit", false);
        boolean eight = recipe.flag("load_in_8bit", false);
        boolean twice = recipe.flag("double_quant", false);
        var named = recipe.text("quantization").map(name -> QuantType.valueOf(name.toUpperCase(Locale.ROOT)));
        if (four && eight) {
            throw new RecipeException("load_in_4bit and load_in_8bit are both true; leave one out");
        }
        if (eight && named.filter(QuantType::isFourBit).isPresent() || four && named.filter(type -> !type.isFourBit()).isPresent()) {
            throw new RecipeException("quantization=" + QuantizationConfig.name(named.get()) + " contradicts "
                    + (four ? "load_in_4bit" : "load_in_8bit") + "=true; leave one out");
        }
        var type = named.or(() -> eight ? Optional.of(QuantType.INT8) : four ? Optional.of(QuantType.NF4) : Optional.empty());
        if (type.isEmpty()) {
            if (twice || recipe.has("llm_int8_skip_modules")) {
                throw new RecipeException((twice ? "double_quant" : "llm_int8_skip_modules")
                        + ": says how to quantize, and quantization is not set; add quantization=nf4");
            }
            return null;
        }
        return QuantizationConfig.of(type.get(), twice).skipping(recipe.texts("llm_int8_skip_modules"));
    }

    /** How the recipe's model is quantized on disk; empty where it is not. */
    static Optional<QuantizationConfig> stored(Recipe recipe) throws IOException {
        var model = Path.of(recipe.required("model_name_or_path"));
        return QuantizationConfig.read(ModelDirectory.open(model).config(), model.resolve("config.json").toString());
    }

    /** What a plan takes for granted since only the weights could tell; in words. */
    static Optional<String> assumption(Recipe recipe) throws IOException {
        var wished = read(recipe);
        // What bitsandbytes stores in int8 has no outlier columns.
        return wished == null || wished.type() != QuantType.INT8 || stored(recipe).isPresent() ? Optional.empty()
                : Optional.of("int8 without outlier columns, which only the weights tell: each adds 2 bytes for each output of its layer");
    }
}
