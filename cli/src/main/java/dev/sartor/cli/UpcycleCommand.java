package dev.sartor.cli;

import dev.sartor.io.AtomicFiles;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.upcycle.Upcycling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "upcycle",
        description = "Turns a dense model into a mixture of experts: Llama and Mistral into Mixtral's layout, Qwen3 into Qwen3-MoE's.",
        mixinStandardHelpOptions = true)
final class UpcycleCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the dense model")
    private Path model;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "the directory to be written, new or empty; --set overwrite_output_dir=true for others")
    private Path output;

    @Option(names = "--experts", paramLabel = "N", defaultValue = "8", description = "experts in each layer; ${DEFAULT-VALUE} if not given")
    private int experts;

    @Option(names = "--top-k", paramLabel = "N", defaultValue = "2", description = "experts a token; ${DEFAULT-VALUE} if not given")
    private int topK;

    @Option(names = "--noise", paramLabel = "X", defaultValue = "0", description = "deviation of noise on the experts' weights, in units of each matrix's root mean square")
    private double noise;

    @Option(names = "--reinit", paramLabel = "X", defaultValue = "0", description = "share of each expert's inner features that start anew (Drop-Upcycling, arXiv 2502.19261)")
    private double reinit;

    @Option(names = "--router-std", paramLabel = "X", defaultValue = "0.02", description = "deviation of the routers' random weights; ${DEFAULT-VALUE} if not given")
    private double routerStd;

    @Option(names = "--router-aux-loss-coef", paramLabel = "X", defaultValue = "0.01", description = "weight of the load-balancing loss in training; ${DEFAULT-VALUE} if not given")
    private double auxLossCoef;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "42", description = "of all that is random; ${DEFAULT-VALUE} if not given")
    private long seed;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var settings = new Upcycling.Settings(experts, topK, noise, reinit, routerStd, auxLossCoef, seed);
        try (var interrupted = new ShutdownHook(AtomicFiles::abandon)) {
            var report = Upcycling.write(model, RunOptions.output(output, options.recipe()), settings, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            System.out.println("%s with %d experts a layer, %d a token, in %s: %,.1f MiB -> %,.1f MiB; %s".formatted(
                    report.modelType(), experts, topK, output, report.bytesBefore() / 1048576.0, report.bytesAfter() / 1048576.0,
                    settings.isExact() ? "it computes what the dense model does until it is trained"
                            : "its experts differ from the dense model, and so does what it computes"));
        }
        return 0;
    }
}
