package dev.sartor.cli;

import dev.sartor.data.Batch;
import dev.sartor.io.Json;
import dev.sartor.io.ModelDirectory;
import dev.sartor.tape.Workspace;
import dev.sartor.text.Tokenizer;
import dev.sartor.train.DataSource;
import dev.sartor.train.Demands;
import dev.sartor.train.Evaluation;
import dev.sartor.train.Programs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "eval", description = "Loss and perplexity of a model on data.", mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the model")
    private Path modelPath;

    @Option(names = "--adapter", paramLabel = "DIR", description = "an adapter of it")
    private Path adapter;

    @Option(names = "--data", required = true, paramLabel = "FILE", description = ".txt, .jsonl or .json; may be repeated")
    private List<Path> data;

    @Option(names = "--json", description = "print the result as one line of JSON")
    private boolean json;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe();
        var notes = new ArrayList<String>();
        // Says what is wrong with the directory before its tokenizer is missed.
        ModelDirectory.open(modelPath);
        List<Batch> batches;
        try (var tokenizer = Tokenizer.open(modelPath)) {
            batches = DataSource.readEvaluation(RecipeReader.data(recipe), data, tokenizer, notes);
        }
        notes.forEach(System.out::println);
        try (var engine = RunOptions.engine(recipe);
                var model = RunOptions.model(engine, modelPath, recipe);
                var adapted = AdaptedModel.of(model, adapter);
                var workspace = new Workspace(engine.device())) {
            Demands.ofBatches(batches).check(model.config());
            var evaluation = Evaluation.of(Programs.evaluation(model, workspace), batches);
            if (!Double.isFinite(evaluation.loss())) {
                throw new IllegalArgumentException("the loss is " + evaluation.loss() + model.brokenWeights().map(weights -> ", for " + weights)
                        .orElse("; check the adapter, or try dtype=float32"));
            }
            print(evaluation);
        }
        return 0;
    }

    private void print(Evaluation evaluation) {
        if (json) {
            var line = Json.object();
            line.put("loss", evaluation.loss());
            line.put("perplexity", evaluation.perplexity());
            line.put("tokens", evaluation.tokens());
            System.out.println(Json.compact(line));
        } else {
            System.out.println("loss %.4f, perplexity %.2f over %,d tokens"
                    .formatted(evaluation.loss(), evaluation.perplexity(), evaluation.tokens()));
        }
    }
}
