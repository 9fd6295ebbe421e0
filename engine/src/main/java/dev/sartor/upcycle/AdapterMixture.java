package dev.sartor.upcycle;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.peft.Adapters;
import dev.sartor.peft.MergeableAdapter;
import dev.sartor.peft.Stored;
import dev.sartor.peft.WeightMerge;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import dev.sartor.upcycle.MixtureWriter.Dense;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * LoRA adapters of one dense model become the experts of a mixture: each expert is the model's feed-forward network with
 * one adapter merged into it. There is one attention for all experts, so what adapters change outside of the
 * feed-forward networks is averaged: W plus the mean of their updates. Routers start random, to be trained.
 */
public final class AdapterMixture {
    /**
     * How to make the mixture.
     *
     * @param topK experts a token
     * @param routerStd deviation of the routers' normal weights
     * @param auxLossCoef of the load-balancing loss, for config.json
     */
    public record Settings(int topK, double routerStd, double auxLossCoef, long seed) {
        public Settings {
            Upcycling.requireRouter(routerStd, auxLossCoef);
        }
    }

    /**
     * What was made.
     *
     * @param modelType of the mixture
     * @param averaged layers outside of the feed-forward networks, whose updates were averaged
     */
    public record Report(String modelType, int experts, List<String> averaged) {}

    private final Device device;
    private final TensorReader reader;
    /** Each adapter's layers by name. */
    private final List<Map<String, MergeableAdapter>> adapters = new ArrayList<>();

    private AdapterMixture(Device device, TensorReader reader) {
        this.device = device;
        this.reader = reader;
    }

    /**
     * Writes the mixture in the base weights' types.
     *
     * @param base a Llama, Mistral or Qwen3 model
     * @param directories of adapters in PEFT's layout
     * @param maxShardBytes as in {@link dev.sartor.io.SafetensorsWriter#writeModel}
     * @throws IllegalArgumentException if an adapter trains something whole or cannot be merged, the mixture's type cannot
     *     express the model, or target may not be written (see {@link OutputDirectory})
     */
    public static Report write(Device device, Path base, List<Path> directories, OutputDirectory target, Settings settings, long maxShardBytes)
            throws IOException {
        var output = target.sparing("the base model's", base);
        for (var directory : directories) {
            output = output.sparing("an adapter's", directory);
        }
        output.require();
        var dense = ModelDirectory.open(base);
        var config = MixtureConfig.of(dense, directories.size(), settings.topK, settings.auxLossCoef);
        // Of the model only names and shapes are needed: its weights pass from file to file.
        try (var planned = LanguageModel.planned(device, base, DType.FLOAT32, false, null);
                var state = new Scope(Scope.Kind.STATE, device);
                var file = dense.openWeights();
                var reader = new TensorReader(file)) {
            var mixture = new AdapterMixture(device, reader);
            var held = new Adapters(device, state, planned.slots(), new RandomStream(device, state, settings.seed));
            for (int i = 0; i < directories.size(); i++) {
                mixture.load(held, "expert" + i, directories.get(i));
            }
            var shared = mixture.shared();
            new MixtureWriter(config, directories.size(), reader)
                    .write(dense, output, mixture.contents(config, settings, shared), maxShardBytes);
            return new Report(config.modelType(), directories.size(), List.copyOf(shared.values()));
        }
    }

    private void load(Adapters held, String name, Path directory) throws IOException {
        held.load(name, directory, false);
        var whole = held.parameters(name).stream().filter(parameter -> !parameter.name().contains(".lora_")).findFirst();
        if (whole.isPresent()) {
            throw new IllegalArgumentException(directory + ": the adapter holds " + whole.get().name() + ", which it trained whole"
                    + " (modules_to_save or bias); experts can only be made of LoRA on linear layers");
        }
        var layers = new LinkedHashMap<String, MergeableAdapter>();
        for (var layer : held.layers(name).entrySet()) {
            if (!(layer.getValue() instanceof MergeableAdapter mergeable)) {
                throw new IllegalArgumentException(directory + ": the adapter cannot be merged at " + layer.getKey().name());
            }
            layers.put(layer.getKey().name(), mergeable);
        }
        adapters.add(layers);
    }

    /** Layers that adapters change outside of the feed-forward networks, by the key of their weight in the file. */
    private Map<String, String> shared() {
        var shared = new LinkedHashMap<String, String>();
        adapters.stream().flatMap(layers -> layers.keySet().stream())
                .filter(layer -> !layer.contains(".mlp."))
                .forEach(layer -> shared.put(CheckpointNames.stored(reader.file(), layer + ".weight").orElseThrow(), layer));
        return shared;
    }

    private MixtureWriter.Contents contents(MixtureConfig config, Settings settings, Map<String, String> shared) {
        return new MixtureWriter.Contents() {
            @Override
            public void expert(int expert, Dense dense, TensorSource.Sink sink) throws IOException {
                var adapter = adapters.get(expert).get(dense.module());
                if (adapter == null) {
                    reader.copy(dense.key(), sink);
                } else {
                    merge(dense.key(), List.of(adapter), 1, sink);
                }
            }

            @Override
            public float[] router(int layer, String name) {
                return Upcycling.randomRouter(settings.seed, name, adapters.size(), config.hidden(), settings.routerStd);
            }

            @Override
            public void other(String key, TensorSource.Sink sink) throws IOException {
                var layer = shared.get(key);
                if (layer == null) {
                    reader.copy(key, sink);
                } else {
                    merge(key, adapters.stream().filter(each -> each.containsKey(layer)).map(each -> each.get(layer)).toList(),
                            adapters.size(), sink);
                }
            }
        };
    }

    /** Writes W + (sum of the adapters' updates) / divisor. */
    private void merge(String key, List<MergeableAdapter> changes, int divisor, TensorSource.Sink sink) throws IOException {
        TensorSpec spec = reader.file().spec(key);
        var weight = Matrix.rowMajor(Eager.wrap(device, spec, reader.read(key)));
        var merges = new ArrayList<WeightMerge>();
        try {
            for (var change : changes) {
                merges.add(change.merge(device, weight, false));
            }
            long height = weight.rows();
            long block = Eager.blockRows(height, weight.columns());
            for (long first = 0; first < height; first += block) {
                float[] rows = rows(merges, divisor, first, (int) Math.min(block, height - first));
                for (float value : rows) {
                    Stored.rounded(key, value, spec.dtype());
                }
                sink.write(rows);
            }
        } finally {
            merges.forEach(WeightMerge::close);
        }
    }

    private static float[] rows(List<WeightMerge> merges, int divisor, long first, int count) {
        if (divisor == 1) {
            return merges.getFirst().rows(first, count).merged();
        }
        double[] sums = null;
        float[] base = null;
        for (var merge : merges) {
            var rows = merge.rows(first, count);
            base = rows.base();
            sums = sums == null ? new double[base.length] : sums;
            for (int i = 0; i < base.length; i++) {
                sums[i] += (double) rows.merged()[i] - base[i];
            }
        }
        for (int i = 0; i < base.length; i++) {
            base[i] = (float) (base[i] + sums[i] / divisor);
        }
        return base;
    }
}
