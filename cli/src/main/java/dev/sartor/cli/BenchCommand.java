package dev.sartor.cli;

import dev.sartor.data.Batch;
import dev.sartor.io.Json;
import dev.sartor.train.BatchShape;
import dev.sartor.train.Trainer;
import dev.sartor.train.TrainingData;
import dev.sartor.train.TrainingListener;
import dev.sartor.train.TrainingSetup;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "bench",
        description = "Times whole training steps, or with --generate greedy generation, on random tokens; needs no tokenizer.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the model")
    private Path modelPath;

    @Option(names = "--batch", paramLabel = "N", defaultValue = "1", description = "rows a step")
    private int batch;

    @Option(names = "--sequence", paramLabel = "N", defaultValue = "256", description = "tokens a row")
    private int sequence;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "10", description = "steps that are timed, after one that is not")
    private int steps;

    @Option(names = "--generate", paramLabel = "N", description = "time the generation of N tokens a row instead of training")
    private Integer generate;

    @Option(names = "--prompt", paramLabel = "N", defaultValue = "32", description = "with --generate: tokens of each row's prompt")
    private int prompt;

    @Option(names = "--json", description = "print the result as one line of JSON")
    private boolean json;

    @Mixin
    private RunOptions options;

    /** Random tokens, new ones each step. */
    private record RandomTokens(int rows, int length, long vocabulary, long steps) implements TrainingData {
        @Override
        public long stepsPerEpoch() {
            return steps;
        }

        @Override
        public List<Batch> step(long step) {
            var random = new SplittableRandom(step);
            return List.of(TransformersBatch.full(rows, length, random.ints((long) rows * length, 0, (int) vocabulary).toArray()));
        }
    }

    @Override
    public Integer call() throws IOException {
        if (generate != null) {
            return generation(new GenerationBench(batch, prompt, generate));
        }
        if (batch < 1 || sequence < 2 || steps < 1) {
            throw new IllegalArgumentException("--batch and --steps must be 1 or more and --sequence 2 or more, not "
                    + batch + ", " + steps + ", " + sequence);
        }
        var recipe = options.recipe();
        recipe.set("model_name_or_path", modelPath.toString());
        recipe.set("max_steps=" + (steps + 1));
        recipe.set("logging_steps=1");
        recipe.set("save_steps=0");
        var times = new ArrayList<Double>();
        long planned;
        double loss;
        try (var engine = RunOptions.engine(recipe)) {
            var setup = PlanCommand.setup(recipe);
            PlanCommand.requirePositions(engine.device(), setup, sequence);
            var fitted = PlanCommand.fitted(recipe, engine.device(), RecipeReader.arguments(recipe), new BatchShape(batch, sequence));
            var arguments = RecipeReader.arguments(recipe).withRecompute(fitted.recompute());
            planned = JvmMemory.FIXED_BYTES + fitted.plan().bytes();
            var output = Files.createTempDirectory("sartor-bench");
            try (var prepared = new TrainingSetup(engine.device(), setup);
                    var trainer = new Trainer(prepared.model(), prepared.trainee(), prepared.random(), arguments,
                            new RandomTokens(batch, sequence, prepared.model().config().vocabulary(), steps + 1L), List.of(),
                            output, new TrainingListener() {
                                @Override
                                public void logged(Progress progress) {
                                    times.add(progress.tokensPerSecond());
                                }
                            })) {
                loss = trainer.run().loss();
            } finally {
                Files.deleteIfExists(output);
            }
        }
        var rates = times.subList(1, times.size()).stream().sorted().toList();
        double median = (rates.get((rates.size() - 1) / 2) + rates.get(rates.size() / 2)) / 2;
        if (json) {
            var line = Json.object();
            line.put("tokens_per_second_median", median);
            line.put("tokens_per_second_best", rates.getLast());
            line.put("peak_resident_bytes", ProcessMemory.peak());
            line.put("planned_bytes", planned);
            line.put("loss", loss);
            System.out.println(Json.compact(line));
        } else {
            System.out.println("%.0f tokens per second (median), %.0f (best); peak resident %.2f GiB, planned %.2f GiB; loss %.4f"
                    .formatted(median, rates.getLast(), ProcessMemory.peak() / 1073741824.0, planned / 1073741824.0, loss));
        }
        return 0;
    }

    private int generation(GenerationBench bench) throws IOException {
        var recipe = options.recipe();
        try (var engine = RunOptions.engine(recipe);
                var model = RunOptions.model(engine, modelPath, recipe)) {
            var result = bench.run(model);
            System.out.println(json ? result.json() : result.text());
        }
        return 0;
    }
}
