package dev.sartor.upcycle;

import dev.sartor.io.CheckpointNames;
import dev.sartor.io.FormatException;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/** Writes a mixture of experts whose all but the feed-forward networks are a dense model's, tensor by tensor. */
final class MixtureWriter {
    /** The layers of a feed-forward network. */
    static final List<String> LAYERS = List.of("gate_proj", "up_proj", "down_proj");

    /**
     * A weight of the dense model.
     *
     * @param module such as {@code model.layers.3.mlp.gate_proj}
     * @param key in the file
     */
    record Dense(String module, int layer, String key, TensorSpec spec) {
        /** Whether the network's inner features are the weight's columns. */
        boolean isDown() {
            return module.endsWith("down_proj");
        }
    }

    /** What the mixture has in place of the dense model's tensors. */
    interface Contents {
        /** A weight of an expert, of the dense weight's shape and type. */
        void expert(int expert, Dense dense, TensorSource.Sink sink) throws IOException;

        /**
         * A router's weight, [experts, hidden].
         *
         * @param name such as {@code model.layers.3.mlp.gate}
         */
        float[] router(int layer, String name) throws IOException;

        /** A tensor of all else. */
        void other(String key, TensorSource.Sink sink) throws IOException;
    }

    private final MixtureConfig config;
    private final int experts;
    private final Safetensors file;

    MixtureWriter(MixtureConfig config, int experts, TensorReader reader) {
        this.config = config;
        this.experts = experts;
        this.file = reader.file();
    }

    /**
     * Writes weights, configuration, generation settings and the tokenizer's files.
     *
     * @return bytes of weights written
     */
    long write(ModelDirectory dense, OutputDirectory target, Contents contents, long maxShardBytes) throws IOException {
        var tensors = tensors(contents);
        target.write(folder -> {
            ModelDirectory.save(folder, config.tree(), dense.generationConfig(), tensors, maxShardBytes);
            dense.copyTokenizer(folder);
        });
        return tensors.stream().mapToLong(TensorSource::bytes).sum();
    }

    private List<TensorSource> tensors(Contents contents) throws FormatException {
        var keys = new LinkedHashSet<>(file.names());
        var mixtures = new ArrayList<TensorSource>();
        for (int layer = 0; layer < config.layers(); layer++) {
            var mlp = "model.layers." + layer + ".mlp.";
            String prefix = "";
            TensorSpec like = null;
            for (var name : LAYERS) {
                var dense = dense(layer, mlp + name);
                keys.remove(dense.key());
                prefix = dense.key().substring(0, dense.key().length() - (name + ".weight").length());
                like = dense.spec();
                for (int e = 0; e < experts; e++) {
                    int expert = e;
                    mixtures.add(new TensorSource(saved(prefix + "experts." + expert + "." + name + ".weight"), dense.spec(),
                            sink -> contents.expert(expert, dense, sink)));
                }
            }
            int number = layer;
            mixtures.add(new TensorSource(saved(prefix + "gate.weight"),
                    TensorSpec.of(like.dtype(), experts, config.hidden()), sink -> sink.write(contents.router(number, mlp + "gate"))));
        }
        var all = new ArrayList<TensorSource>();
        for (var key : keys) {
            all.add(new TensorSource(key, file.spec(key), sink -> contents.other(key, sink)));
        }
        all.addAll(mixtures);
        return all;
    }

    private Dense dense(int layer, String module) throws FormatException {
        var key = CheckpointNames.stored(file, module + ".weight").orElseThrow(
                () -> new FormatException(file.source() + ": has no tensor '" + module + ".weight'"));
        var spec = file.spec(key);
        var expected = module.endsWith("down_proj")
                ? Shape.of(config.hidden(), config.intermediate())
                : Shape.of(config.intermediate(), config.hidden());
        if (!spec.dtype().isFloat() || !spec.shape().equals(expected)) {
            throw new FormatException(file.source() + ": tensor '" + key + "' is " + spec + ", but config.json asks for floats " + expected);
        }
        return new Dense(module, layer, key, spec);
    }

    private String saved(String key) {
        return CheckpointNames.saved(config.modelType(), key);
    }
}
