package dev.sartor.cli;

import dev.sartor.Engine;
import dev.sartor.Sft;
import dev.sartor.cli.recipe.Recipe;
import dev.sartor.io.AtomicFiles;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.peft.Merge;
import dev.sartor.peft.lora.Lora;
import dev.sartor.train.TrainingSetup;
import dev.sartor.upcycle.AdapterMixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "moe-from-adapters",
        description = {
            "Makes a mixture of experts of LoRA adapters of one dense model: each expert is the feed-forward network with one adapter merged.",
            "What adapters change in attention is averaged. With --data the routers, and nothing else, are trained right away."
        },
        mixinStandardHelpOptions = true)
final class MoeFromAdaptersCommand implements Callable<Integer> {
    @Option(names = "--base", required = true, paramLabel = "DIR", description = "the dense model of the adapters")
    private Path base;

    @Option(names = "--adapters", required = true, split = ",", paramLabel = "DIR", description = "two adapters or more, with commas between them")
    private List<Path> adapters;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "the directory to be written, new or empty; --set overwrite_output_dir=true for others")
    private Path output;

    @Option(names = "--top-k", paramLabel = "N", defaultValue = "2", description = "experts a token; ${DEFAULT-VALUE} if not given")
    private int topK;

    @Option(names = "--data", paramLabel = "FILE", description = "what the routers are trained on; how is said by the keys of sft, such as --set max_steps=200")
    private String data;

    @Option(names = "--router-std", paramLabel = "X", defaultValue = "0.02", description = "deviation of the routers' random weights; ${DEFAULT-VALUE} if not given")
    private double routerStd;

    @Option(names = "--router-aux-loss-coef", paramLabel = "X", defaultValue = "0.01", description = "weight of the load-balancing loss in training; ${DEFAULT-VALUE} if not given")
    private double auxLossCoef;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe();
        var target = RunOptions.output(output, recipe).sparing("the base model's", base);
        for (var adapter : adapters) {
            target = target.sparing("an adapter's", adapter);
        }
        target.require();
        try (var engine = RunOptions.engine(recipe); var interrupted = new ShutdownHook(AtomicFiles::abandon)) {
            if (data == null) {
                make(engine, target, recipe);
                System.out.println("its routers are random: train them with --data, or with sft (target_modules: [], modules_to_save: [mlp.gate])");
            } else {
                train(engine, target, recipe.set("dataset_name", data));
            }
        }
        return 0;
    }

    private void make(Engine engine, OutputDirectory target, Recipe recipe) throws IOException {
        var settings = new AdapterMixture.Settings(topK, routerStd, auxLossCoef, RecipeReader.arguments(recipe).seed());
        var report = AdapterMixture.write(engine.device(), base, adapters, target, settings, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
        System.out.println("%s of %d adapters, %d experts a token".formatted(report.modelType(), report.experts(), topK));
        if (!report.averaged().isEmpty()) {
            System.out.println("averaged over the adapters, for there is one attention: %d layers, such as %s".formatted(
                    report.averaged().size(), report.averaged().getFirst()));
        }
    }

    /** Trains the routers of a mixture that lies beside the output, and writes the output with them. */
    private void train(Engine engine, OutputDirectory target, Recipe recipe) throws IOException {
        var parent = Files.createDirectories(output.toAbsolutePath().getParent());
        var beside = Files.createTempDirectory(parent, ".moe-from-adapters-");
        try {
            var untrained = beside.resolve("model");
            make(engine, OutputDirectory.of(untrained, false), recipe);
            var routers = Lora.rank(1).targets(List.of()).modulesToSave(List.of("mlp.gate"));
            try (var metrics = new MetricsLog(beside.resolve("metrics.jsonl"), false);
                    var run = Sft.on(engine).model(untrained).adapter(routers).dtype(RunOptions.dtype(recipe)).data(RecipeReader.data(recipe))
                    .arguments(RecipeReader.arguments(recipe)).output(beside.resolve("checkpoints"))
                    .prepare(new ConsoleListener(metrics))) {
                run.dataNotes().forEach(System.out::println);
                System.out.println("%,d parameters of routers; %d steps".formatted(run.setup().trainedParameters(), run.totalSteps()));
                run.run();
                Merge.write(run.setup().adapters(), TrainingSetup.ADAPTER, untrained, target, null, null, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            }
            System.out.println("saved to " + output);
        } finally {
            AtomicFiles.deleteTree(beside);
        }
    }
}
