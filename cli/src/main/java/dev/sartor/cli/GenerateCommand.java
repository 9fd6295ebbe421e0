package dev.sartor.cli;

import dev.sartor.cli.recipe.Recipe;
import dev.sartor.generate.Sampling;
import dev.sartor.generate.TextGenerator;
import dev.sartor.device.DeviceException;
import dev.sartor.io.Json;
import dev.sartor.io.ModelDirectory;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "generate", description = "Goes on with a prompt, token by token.", mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
    private static final int DEFAULT_NEW_TOKENS = 256;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the model")
    private Path modelPath;

    @Option(names = "--adapter", paramLabel = "DIR", description = "an adapter of it")
    private Path adapter;

    @Option(names = "--prompt", paramLabel = "TEXT", defaultValue = "", description = "text to go on with; nothing for a fresh start")
    private String prompt;

    @Option(names = "--chat", description = "put the prompt into the model's chat template as the user's message")
    private boolean chat;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe();
        // Says what is wrong with the directory before its tokenizer is missed.
        ModelDirectory.open(modelPath);
        try (var tokenizer = Tokenizer.open(modelPath);
                var engine = RunOptions.engine(recipe);
                var model = RunOptions.model(engine, modelPath, recipe);
                var adapted = AdaptedModel.of(model, adapter)) {
            int[] tokens = chat ? chatTokens(tokenizer, prompt) : promptTokens(tokenizer);
            int wanted = RecipeReader.whole(recipe, "max_new_tokens", DEFAULT_NEW_TOKENS);
            int room = Math.toIntExact(model.config().maxPositions() - tokens.length);
            if (room < 1) {
                throw new IllegalArgumentException("the prompt's " + tokens.length + " tokens leave no room in the model's "
                        + model.config().maxPositions() + " positions; shorten it");
            }
            if (room < wanted) {
                System.err.println("sartor: max_new_tokens: the model's positions leave room for " + room + " tokens, not " + wanted);
            }
            int capacity = tokens.length + Math.min(room, wanted);
            try (var generator = new TextGenerator(model, tokenizer, sampling(recipe), 1, capacity)) {
                System.out.print(chat ? "" : prompt);
                generator.generate(tokens, wanted, recipe.texts("stop"), piece -> {
                    System.out.print(piece);
                    System.out.flush();
                });
                System.out.println();
            } catch (DeviceException e) {
                throw model.brokenWeights().<RuntimeException>map(IllegalArgumentException::new).orElse(e);
            }
        }
        return 0;
    }

    private int[] promptTokens(Tokenizer tokenizer) {
        int[] tokens = tokenizer.encode(prompt, true);
        if (tokens.length > 0) {
            return tokens;
        }
        return new int[] {tokenizer.specialTokens().bos().orElseThrow(() -> new IllegalArgumentException(
                "the prompt is empty and the tokenizer has no token that begins a text; give a --prompt"))};
    }

    /** The prompt as a user's message, ready for the assistant's answer. */
    static int[] chatTokens(Tokenizer tokenizer, String prompt) {
        var template = tokenizer.chatTemplate().orElseThrow(() -> new IllegalArgumentException(
                tokenizer.directory() + ": the tokenizer has no chat template; leave --chat out"));
        var messages = Json.object().arrayNode();
        messages.addObject().put("role", "user").put("content", prompt);
        return tokenizer.encode(template.render(messages, null, true, Map.of()), false);
    }

    private static Sampling sampling(Recipe recipe) {
        return new Sampling((float) recipe.number("temperature").orElse(0), RecipeReader.whole(recipe, "top_k", 0),
                (float) recipe.number("top_p").orElse(1), recipe.whole("seed").orElse(0));
    }
}
