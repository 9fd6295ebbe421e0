package dev.sartor.cli;

import dev.sartor.data.Batch;
import dev.sartor.io.FormatException;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorSource;
import dev.sartor.model.LanguageModel;
import dev.sartor.tape.NonFinite;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.Programs;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "forward",
        description = {
            "Runs a model on given tokens.",
            "In: input_ids [batch, length], and optionally attention_mask and labels. Out: logits, and loss if there are labels,"
                + " with aux_loss, its part of load balancing, where config.json has output_router_logits."
        },
        mixinStandardHelpOptions = true)
final class ForwardCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "DIR", description = "the model")
    private Path modelPath;

    @Option(names = "--adapter", paramLabel = "DIR", description = "an adapter of it")
    private Path adapter;

    @Option(names = "--input", required = true, paramLabel = "FILE", description = "a safetensors file")
    private Path input;

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "the safetensors file to be written")
    private Path output;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe();
        try (var in = Safetensors.open(input);
                var engine = RunOptions.engine(recipe);
                var model = RunOptions.model(engine, modelPath, recipe);
                var adapted = AdaptedModel.of(model, adapter);
                var state = new Scope(Scope.Kind.STATE, engine.device());
                var workspace = new Workspace(engine.device())) {
            var batch = batch(in, model);
            var results = new ArrayList<TensorSource>();
            var logits = new LogitsProgram(model, state, workspace, batch.rows(), batch.length()).run(batch);
            requireFinite(logits, batch, model, workspace);
            results.add(TensorSource.of("logits",
                    TensorSpec.of(DType.FLOAT32, batch.rows(), batch.length(), model.config().vocabulary()), logits));
            if (in.contains("labels")) {
                if (batch.learnedTokens() == 0) {
                    throw new FormatException(input + ": labels: no token is learned; expected token ids beside -100");
                }
                var loss = Programs.evaluation(model, workspace).evaluation(batch).run(batch, 1);
                results.add(number("loss", loss.mean(batch.learnedTokens())));
                if (model.config().routers().hasLosses()) {
                    results.add(number("aux_loss", loss.routers().auxLoss()));
                }
            }
            SafetensorsWriter.write(output, results);
            System.out.println("wrote " + output + ": " + results.stream().map(each -> each.name() + " " + each.spec()).toList());
        }
        return 0;
    }

    private static TensorSource number(String name, double value) {
        return TensorSource.of(name, TensorSpec.of(DType.FLOAT32, 1), new float[] {(float) value});
    }

    /** A NaN in, say, a weight is said with its place, not handed on. */
    private void requireFinite(float[] logits, Batch batch, LanguageModel model, Workspace workspace) {
        for (int i = 0; i < logits.length; i++) {
            if (!Float.isFinite(logits[i])) {
                long token = i / model.config().vocabulary();
                var found = Programs.evaluation(model, workspace).evaluation(batch).findNonFinite(batch, 1, 1);
                throw new IllegalArgumentException(modelPath + ": the logits of row " + token / batch.length() + ", place "
                        + token % batch.length() + " are not finite: " + found.map(NonFinite::toString)
                                .orElse("they overflow in the output head") + "; check the checkpoint, or use dtype=float32");
            }
        }
    }

    private Batch batch(Safetensors in, LanguageModel model) throws IOException {
        var shape = in.spec("input_ids").shape();
        if (shape.rank() != 2) {
            throw new FormatException(input + ": input_ids: expected [batch, length], found " + shape);
        }
        if (shape.elements() == 0) {
            throw new FormatException(input + ": input_ids: " + shape + " holds no token");
        }
        int rows = (int) shape.dim(0);
        int length = (int) shape.dim(1);
        if (length > model.config().maxPositions()) {
            throw new FormatException(input + ": input_ids: " + length + " tokens are more than the model's "
                    + model.config().maxPositions() + " positions");
        }
        int[] ids = in.ints("input_ids");
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= model.config().vocabulary()) {
                throw new FormatException(input + ": input_ids: token " + ids[i] + " at row " + i / length + ", place " + i % length
                        + " is not in the vocabulary of " + model.config().vocabulary());
            }
        }
        int[] ignored = new int[ids.length];
        Arrays.fill(ignored, -100);
        int[] labels = optional(in, "labels", ignored, rows, length);
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] >= model.config().vocabulary()) {
                throw new FormatException(input + ": labels: token " + labels[i] + " at row " + i / length + ", place " + i % length
                        + " is not in the vocabulary of " + model.config().vocabulary() + "; negative where nothing is learned");
            }
        }
        int[] ones = new int[ids.length];
        Arrays.fill(ones, 1);
        return TransformersBatch.of(rows, length, ids, optional(in, "attention_mask", ones, rows, length),
                labels, model.config().window());
    }

    private int[] optional(Safetensors in, String name, int[] otherwise, int rows, int length) throws IOException {
        if (!in.contains(name)) {
            return otherwise;
        }
        int[] values = in.ints(name);
        if (values.length != rows * length) {
            throw new FormatException(input + ": " + name + ": expected [" + rows + ", " + length + "] as input_ids, found "
                    + in.spec(name).shape());
        }
        return values;
    }
}
