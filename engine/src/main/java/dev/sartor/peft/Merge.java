package dev.sartor.peft;

import dev.sartor.device.Eager;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.Conversions;
import dev.sartor.io.FormatException;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorSource;
import dev.sartor.nn.Linear;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a model with an adapter merged into its weights. The base weights come from their files,
 * not from the model in memory, so nothing is lost to the compute type; they pass through memory a
 * few rows at a time.
 */
public final class Merge {
    private static final int BLOCK_ELEMENTS = 1 << 22;

    private final Adapters adapters;
    private final String name;
    private final Safetensors file;
    private final DType dtype;
    private final List<MergeReport.Drift> drifts = new ArrayList<>();

    private Merge(Adapters adapters, String name, Safetensors file, DType dtype) {
        this.adapters = adapters;
        this.name = name;
        this.file = file;
        this.dtype = dtype;
    }

    /**
     * Merges.
     *
     * @param base directory of the model that the adapters belong to
     * @param target directory to be written: weights, configuration and the tokenizer's files
     * @param dtype of the floating-point weights written, or null for that of each in the base
     * @param maxShardBytes as in {@link dev.sartor.io.SafetensorsWriter#writeModel}
     * @throws IllegalArgumentException if target is base, or the adapter is of a kind that cannot be merged
     * @throws FormatException if the base lacks a weight, or a merged one is not finite
     */
    public static MergeReport write(Adapters adapters, String name, Path base, Path target, DType dtype, long maxShardBytes)
            throws IOException {
        if (Files.exists(target) && Files.isSameFile(base, target)) {
            throw new IllegalArgumentException(target + ": is the base model's own directory; choose another for the merged model");
        }
        if (dtype != null && dtype != DType.FLOAT32 && dtype != DType.BFLOAT16 && dtype != DType.FLOAT16) {
            throw new IllegalArgumentException("merged weights are written in float32, bfloat16 or float16, not " + dtype);
        }
        var directory = ModelDirectory.open(base);
        try (var file = directory.openWeights()) {
            var merge = new Merge(adapters, name, file, dtype);
            var config = directory.config();
            var tensors = merge.tensors();
            if (merge.unties()) {
                config.put("tie_word_embeddings", false);
            }
            if (dtype != null) {
                ModelDirectory.setDtype(config, dtype);
            }
            ModelDirectory.save(target, config, directory.generationConfig(), tensors, maxShardBytes);
            directory.copyTokenizer(target);
            return new MergeReport(merge.drifts);
        }
    }

    private List<TensorSource> tensors() throws FormatException {
        var sources = new LinkedHashMap<String, TensorSource>();
        for (var key : file.names()) {
            sources.put(key, unchanged(key, key));
        }
        for (var layer : adapters.layers(name).entrySet()) {
            var key = layer.getKey().name() + ".weight";
            var stored = CheckpointNames.stored(file, key)
                    .orElseThrow(() -> new FormatException(file.source() + ": has no tensor '" + key + "' to merge into"));
            if (!(layer.getValue() instanceof MergeableAdapter adapter)) {
                throw new IllegalArgumentException("the adapter '" + name + "' cannot be merged: at " + layer.getKey().name()
                        + " it is no change of the weight");
            }
            sources.put(stored, merged(layer.getKey(), stored, adapter));
        }
        for (var copy : adapters.copies(name).entrySet()) {
            var stored = CheckpointNames.stored(file, copy.getKey().baseKey()).orElse(copy.getKey().baseKey());
            sources.put(stored, replaced(stored, copy.getKey(), copy.getValue()));
        }
        if (unties()) {
            untie(sources);
        }
        return List.copyOf(sources.values());
    }

    /** Whether embedding and head, one in the base, differ in the merged model. */
    private boolean unties() {
        var slots = adapters.slots();
        return adapters.isBaseTied() && adapters.copies(name).keySet().stream()
                .anyMatch(copy -> copy.module() == slots.head() || copy.module() == slots.embedding());
    }

    /** The head stays what it was where only the embedding has a copy. */
    private void untie(Map<String, TensorSource> sources) throws FormatException {
        var head = adapters.slots().head().name() + ".weight";
        var table = adapters.slots().embedding().name() + ".weight";
        if (!sources.containsKey(head)) {
            var stored = CheckpointNames.stored(file, table)
                    .orElseThrow(() -> new FormatException(file.source() + ": has no tensor '" + table + "'"));
            sources.put(head, unchanged(head, stored));
        }
    }

    private DType dtype(DType stored) {
        return dtype == null || !stored.isFloat() ? stored : dtype;
    }

    private TensorSource unchanged(String key, String stored) throws FormatException {
        if (file.type(stored).dtype().isEmpty()) {
            throw new FormatException(file.source() + ": tensor '" + stored + "' of type " + file.type(stored)
                    + " cannot be copied; convert the model to float32, bfloat16 or float16 first");
        }
        var spec = file.spec(stored);
        var target = dtype(spec.dtype());
        return new TensorSource(key, new TensorSpec(target, spec.shape()), sink -> {
            if (target == spec.dtype()) {
                sink.write(file.data(stored));
            } else {
                sink.write(file.floats(stored));
            }
        });
    }

    private TensorSource replaced(String key, ModuleCopy copy, Parameter parameter) throws FormatException {
        var like = CheckpointNames.stored(file, copy.baseKey())
                .or(() -> CheckpointNames.stored(file, adapters.slots().embedding().name() + ".weight"));
        var target = like.isPresent() ? dtype(file.spec(like.get()).dtype()) : dtype(DType.FLOAT32);
        return AdapterFile.source(adapters.device(), key, copy.tensor(), parameter, target);
    }

    private TensorSource merged(Linear linear, String key, MergeableAdapter adapter) throws FormatException {
        var spec = file.spec(key);
        var target = dtype(spec.dtype());
        return new TensorSource(key, new TensorSpec(target, spec.shape()), sink -> {
            var stored = Eager.wrap(adapters.device(), spec, file.data(key));
            try (var merge = adapter.merge(adapters.device(), stored, linear.isTransposed())) {
                write(linear.name(), merge, stored, target, sink);
            }
        });
    }

    private void write(String module, WeightMerge merge, Tensor stored, DType target, TensorSource.Sink sink) throws IOException {
        long height = stored.shape().dim(0);
        int block = (int) Math.clamp(BLOCK_ELEMENTS / stored.shape().dim(1), 1, height);
        double lost = 0;
        double exact = 0;
        double changed = 0;
        double base = 0;
        for (long first = 0; first < height; first += block) {
            var rows = merge.rows(first, (int) Math.min(block, height - first));
            for (int i = 0; i < rows.merged().length; i++) {
                double value = rows.merged()[i];
                double rounded = round(rows.merged()[i], target);
                if (!Double.isFinite(rounded)) {
                    throw new FormatException(module + ": the merged weight has " + value + ", which "
                            + (Double.isFinite(value) ? target + " cannot hold; choose bfloat16 or float32" : "no weight can be; the adapter is broken"));
                }
                lost += (rounded - value) * (rounded - value);
                exact += value * value;
                changed += (value - rows.base()[i]) * (value - rows.base()[i]);
                base += (double) rows.base()[i] * rows.base()[i];
            }
            sink.write(rows.merged());
        }
        drifts.add(new MergeReport.Drift(module, relative(lost, exact), relative(changed, base)));
    }

    private static double relative(double squares, double of) {
        return of == 0 ? 0 : Math.sqrt(squares / of);
    }

    private static float round(float value, DType dtype) {
        return switch (dtype) {
            case BFLOAT16 -> Conversions.bfloat16ToFloat(Conversions.floatToBfloat16(value));
            case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            default -> value;
        };
    }
}
