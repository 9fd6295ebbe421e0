package dev.sartor.cli;

import dev.sartor.io.AtomicFiles;
import dev.sartor.io.Json;
import dev.sartor.train.Evaluation;
import dev.sartor.train.TrainingListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import tools.jackson.databind.node.ObjectNode;

/** Metrics as lines of JSON, under Transformers' names. Each line is on disk when the call returns. */
final class MetricsLog implements TrainingListener, AutoCloseable {
    private final Path file;
    private final boolean append;
    private Writer writer;

    /**
     * Opens the file at the first metric, so that a run that never begins leaves an earlier one's alone.
     *
     * @param append whether a resumed run goes on in the same file
     */
    MetricsLog(Path file, boolean append) {
        this.file = file;
        this.append = append;
    }

    @Override
    public void logged(Progress progress) {
        var line = Json.object();
        line.put("step", progress.step());
        line.put("epoch", progress.epoch());
        line.put("loss", progress.loss());
        line.put("grad_norm", progress.gradientNorm());
        line.put("learning_rate", progress.learningRate());
        progress.routers().ifPresent(routers -> {
            line.put("aux_loss", routers.auxLoss());
            line.put("router_z_loss", routers.zLoss());
            var layers = line.putObject("experts");
            for (var load : routers.layers()) {
                var layer = layers.putObject(load.layer());
                var shares = layer.putArray("load");
                load.shares().forEach(shares::add);
                layer.put("entropy", load.entropy());
                layer.put("dropped", load.dropped());
            }
        });
        line.put("num_input_tokens_seen", progress.tokens());
        line.put("tokens_per_second", progress.tokensPerSecond());
        write(line);
    }

    @Override
    public void evaluated(long step, Evaluation evaluation) {
        var line = Json.object();
        line.put("step", step);
        line.put("eval_loss", evaluation.loss());
        line.put("eval_perplexity", evaluation.perplexity());
        line.put("eval_tokens", evaluation.tokens());
        write(line);
    }

    /**
     * Cuts what an earlier run wrote after a step, or only began to write: what goes on from there writes it again.
     */
    void keepTo(long step) throws IOException {
        if (!Files.exists(file)) {
            return;
        }
        var kept = new StringBuilder();
        var text = Files.readString(file);
        int end;
        for (int at = 0; (end = text.indexOf('\n', at)) >= 0; at = end + 1) {
            if (Json.parse(text.substring(at, end), file.toString()).path("step").asLong() <= step) {
                kept.append(text, at, end + 1);
            }
        }
        if (kept.length() < text.length()) {
            AtomicFiles.write(file, kept.toString().getBytes(StandardCharsets.UTF_8));
        }
    }

    private void write(ObjectNode line) {
        try {
            if (writer == null) {
                writer = Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                        append ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING);
            }
            writer.write(Json.compact(line) + "\n");
            writer.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(new IOException(file + ": cannot be written: " + e.getMessage()
                    + "; make room, or choose another output_dir", e));
        }
    }

    @Override
    public void close() throws IOException {
        if (writer != null) {
            writer.close();
        }
    }
}
