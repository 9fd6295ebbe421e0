package dev.sartor.cli;

import dev.sartor.io.AtomicFiles;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.upcycle.AdapterMixture;
import java.io.IOException;
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
            "What adapters change in attention is averaged. Routers start random, to be trained by sft."
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

    @Option(names = "--router-std", paramLabel = "X", defaultValue = "0.02", description = "deviation of the routers' random weights; ${DEFAULT-VALUE} if not given")
    private double routerStd;

    @Option(names = "--router-aux-loss-coef", paramLabel = "X", defaultValue = "0.01", description = "weight of the load-balancing loss in training; ${DEFAULT-VALUE} if not given")
    private double auxLossCoef;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "42", description = "of the routers; ${DEFAULT-VALUE} if not given")
    private long seed;

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
        var settings = new AdapterMixture.Settings(topK, routerStd, auxLossCoef, seed);
        try (var engine = RunOptions.engine(recipe); var interrupted = new ShutdownHook(AtomicFiles::abandon)) {
            var report = AdapterMixture.write(engine.device(), base, adapters, target, settings, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            System.out.println("%s of %d adapters, %d experts a token, in %s".formatted(report.modelType(), report.experts(), topK, output));
            if (!report.averaged().isEmpty()) {
                System.out.println("averaged over the adapters, for there is one attention: %d layers, such as %s".formatted(
                        report.averaged().size(), report.averaged().getFirst()));
            }
            System.out.println("""
                    Its routers are random. Train them, all else frozen:
                      ./sartor sft --model %1$s --data FILE --output ROUTERS --set target_modules=[] --set modules_to_save=[mlp.gate]
                      ./sartor merge --model %1$s --adapter ROUTERS --output TRAINED""".formatted(output));
        }
        return 0;
    }
}
