package dev.sartor.peft;

import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.FormatException;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.io.Transposed;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.quant.QuantizedWeight;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Writes a model with an adapter merged into its weights. Dense base weights come from their files,
 * not from the model in memory, so nothing is lost to the compute type; quantized ones come from memory,
 * where they are what the adapter was trained on, and all of them are written in floating point. Weights
 * pass through a few rows at a time.
 */
public final class Merge {
    /** Missing tensors that a message names. */
    private static final int NAMED = 3;
    private static final String IS_IT_THE_ORIGINAL = "; is it the unquantized base of this model?";

    private final Adapters adapters;
    private final String name;
    private final Safetensors file;
    private final TensorReader reader;
    private final DType dtype;
    private final Safetensors original;
    private final TensorReader originalReader;
    private final List<MergeReport.Drift> drifts = new ArrayList<>();
    private final List<MergeReport.Drift> dequantized = new ArrayList<>();

    private Merge(Adapters adapters, String name, TensorReader reader, DType dtype, TensorReader originalReader) {
        this.adapters = adapters;
        this.name = name;
        this.file = reader.file();
        this.reader = reader;
        this.dtype = dtype;
        this.original = originalReader == null ? null : originalReader.file();
        this.originalReader = originalReader;
    }

    /**
     * Merges.
     *
     * @param base directory of the model that the adapters belong to
     * @param target to be written: weights, configuration and the tokenizer's files; a new one appears whole or not at
     *     all, in one that is there each file does
     * @param dtype of the floating-point weights written, or null: bfloat16 where the model is quantized, else
     *     that of each in the base
     * @param original the unquantized base, to tell what its quantization had cost; null if it is not at hand. Not
     *     needed where base was quantized as it was loaded
     * @param maxShardBytes as in {@link dev.sartor.io.SafetensorsWriter#writeModel}
     * @throws IllegalArgumentException if target may not be written (see {@link OutputDirectory}), if an original is
     *     named of a base that is not stored quantized, or if the adapter is of a kind that cannot be merged
     * @throws FormatException if the base or the original lacks a weight, or a merged one is not finite
     */
    public static MergeReport write(Adapters adapters, String name, Path base, OutputDirectory target, DType dtype, Path original,
            long maxShardBytes) throws IOException {
        var output = target.sparing("the base model's", base).sparing("the original model's", original);
        output.require();
        if (dtype != null && dtype != DType.FLOAT32 && dtype != DType.BFLOAT16 && dtype != DType.FLOAT16) {
            throw new IllegalArgumentException("merged weights are written in float32, bfloat16 or float16, not " + dtype);
        }
        var directory = ModelDirectory.open(base);
        boolean quantized = adapters.slots().modules().stream().anyMatch(Merge::isQuantized);
        try (var file = directory.openWeights(); var reader = new TensorReader(file);
                var before = original == null ? null : Safetensors.open(original);
                var beforeReader = before == null ? null : new TensorReader(before)) {
            var saved = dtype == null && quantized ? DType.BFLOAT16 : dtype;
            var merge = new Merge(adapters, name, reader, saved, beforeReader);
            var config = directory.config();
            config.remove("quantization_config");
            merge.requireOriginal();
            var tensors = merge.tensors();
            if (merge.unties()) {
                config.put("tie_word_embeddings", false);
            }
            if (saved != null) {
                ModelDirectory.setDtype(config, saved);
            }
            output.write(folder -> {
                ModelDirectory.save(folder, config, directory.generationConfig(), tensors, maxShardBytes);
                directory.copyTokenizer(folder);
            });
            return new MergeReport(merge.drifts, merge.dequantized);
        }
    }

    private List<TensorSource> tensors() throws FormatException {
        var sources = new LinkedHashMap<String, TensorSource>();
        for (var key : file.names()) {
            if (!BitsAndBytes.isCompanion(file, key)) {
                sources.put(key, unchanged(key, key));
            }
        }
        for (var module : adapters.slots().modules()) {
            if (isQuantized(module)) {
                var stored = stored(module.name() + ".weight");
                sources.put(stored, dequantized((Linear) module, stored, null));
            }
        }
        for (var layer : adapters.layers(name).entrySet()) {
            var stored = stored(layer.getKey().name() + ".weight");
            if (!(layer.getValue() instanceof MergeableAdapter adapter)) {
                throw new IllegalArgumentException("the adapter '" + name + "' cannot be merged: at " + layer.getKey().name()
                        + " it is no change of the weight");
            }
            sources.put(stored, isQuantized(layer.getKey())
                    ? dequantized(layer.getKey(), stored, adapter)
                    : merged(layer.getKey(), stored, adapter));
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

    private String stored(String key) throws FormatException {
        return CheckpointNames.stored(file, key)
                .orElseThrow(() -> new FormatException(file.source() + ": has no tensor '" + key + "' to merge into"));
    }

    private static boolean isQuantized(Module module) {
        return module instanceof Linear linear && linear.weight() instanceof QuantizedWeight;
    }

    /** Whether embedding and head, one in the base, differ in the merged model. */
    private boolean unties() {
        var slots = adapters.slots();
        return adapters.isBaseTied() && adapters.copies(name).keySet().stream()
                .anyMatch(copy -> copy.module() == slots.head() || copy.module() == slots.embedding());
    }

    /** Where only one of the two has a copy, the other stays what it was. */
    private void untie(Map<String, TensorSource> sources) throws FormatException {
        var head = adapters.slots().head().name() + ".weight";
        var table = adapters.slots().embedding().name() + ".weight";
        for (var pair : List.of(List.of(head, table), List.of(table, head))) {
            var missing = CheckpointNames.stored(file, pair.getFirst()).orElse(pair.getFirst());
            if (!sources.containsKey(missing)) {
                var stored = CheckpointNames.stored(file, pair.getLast())
                        .orElseThrow(() -> new FormatException(file.source() + ": has neither tensor '" + head + "' nor '" + table + "'"));
                sources.put(missing, unchanged(missing, stored));
            }
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
                reader.copy(stored, sink);
            } else {
                reader.copyFloats(stored, sink);
            }
        });
    }

    private TensorSource replaced(String key, ModuleCopy copy, Parameter parameter) throws FormatException {
        var like = CheckpointNames.stored(file, copy.baseKey())
                .or(() -> CheckpointNames.stored(file, adapters.slots().embedding().name() + ".weight"));
        var stored = like.isPresent() ? file.spec(like.get()).dtype() : DType.FLOAT32;
        // A quantized base has its type in dtype, which then is never null.
        var target = dtype(stored.isFloat() ? stored : DType.FLOAT32);
        return AdapterFile.source(adapters.device(), key, copy.tensor(), parameter, target);
    }

    private TensorSource merged(Linear linear, String key, MergeableAdapter adapter) throws FormatException {
        var spec = file.spec(key);
        var target = dtype(spec.dtype());
        return new TensorSource(key, new TensorSpec(target, spec.shape()), sink -> {
            var stored = Matrix.rowMajor(Eager.wrap(adapters.device(), spec, reader.read(key)));
            try (var merge = adapter.merge(adapters.device(), stored, linear.isTransposed())) {
                drifts.add(write(linear.name(), merge, stored, null, target, sink::write));
            }
        });
    }

    /** @param adapter or null: then the weight is only dequantized */
    private TensorSource dequantized(Linear linear, String key, MergeableAdapter adapter) {
        var weight = linear.weight().matrix();
        var upright = Shape.of(weight.rows(), weight.columns());
        var shape = linear.isTransposed() ? Shape.of(weight.columns(), weight.rows()) : upright;
        return new TensorSource(key, new TensorSpec(dtype, shape), sink -> {
            try (var temporary = new Scope(Scope.Kind.STEP, adapters.device());
                    var merge = adapter == null ? unmerged(linear) : adapter.merge(adapters.device(), weight, false)) {
                var before = before(temporary, linear, key);
                var of = adapter == null ? dequantized : drifts;
                if (linear.isTransposed()) {
                    try (var turned = new Transposed(upright)) {
                        of.add(write(linear.name(), merge, weight, before, dtype, turned::add));
                        turned.writeTo(sink);
                    }
                } else {
                    of.add(write(linear.name(), merge, weight, before, dtype, sink::write));
                }
            }
        });
    }

    /** Before anything is written: the original, where one is named, has every weight that is stored quantized. */
    private void requireOriginal() throws FormatException {
        if (original == null) {
            return;
        }
        if (file.names().stream().noneMatch(key -> BitsAndBytes.isCompanion(file, key))) {
            throw new IllegalArgumentException(original.source() + ": no original is needed, for " + file.source()
                    + " is not quantized itself; leave it out");
        }
        var missing = new ArrayList<String>();
        for (var module : adapters.slots().modules()) {
            if (isQuantized(module) && BitsAndBytes.isQuantized(file, stored(module.name() + ".weight"))) {
                var found = CheckpointNames.stored(original, module.name() + ".weight");
                if (found.isEmpty()) {
                    missing.add(module.name() + ".weight");
                } else {
                    requireOriginal((Linear) module, original, found.get());
                }
            }
        }
        if (!missing.isEmpty()) {
            throw new FormatException(original.source() + ": has no tensor '"
                    + String.join("', '", missing.subList(0, Math.min(NAMED, missing.size()))) + "'"
                    + (missing.size() > NAMED ? " and " + (missing.size() - NAMED) + " more" : "") + IS_IT_THE_ORIGINAL);
        }
    }

    private static void requireOriginal(Linear linear, Safetensors source, String stored) throws FormatException {
        long rows = linear.weight().rows();
        long columns = linear.weight().columns();
        var expected = linear.isTransposed() ? Shape.of(columns, rows) : Shape.of(rows, columns);
        var spec = source.spec(stored);
        if (!spec.dtype().isFloat() || !spec.shape().equals(expected)) {
            throw new FormatException(source.source() + ": tensor '" + stored + "' is " + spec + ", expected floats "
                    + expected + IS_IT_THE_ORIGINAL);
        }
    }

    /** The weight before it was quantized, or null. */
    private Matrix before(Scope temporary, Linear linear, String key) throws FormatException {
        var source = BitsAndBytes.isQuantized(file, key) ? originalReader : reader;
        if (source == null) {
            return null;
        }
        var stored = CheckpointNames.stored(source.file(), linear.name() + ".weight").orElseThrow();
        var tensor = Eager.wrap(adapters.device(), source.file().spec(stored), source.read(stored));
        return linear.isTransposed()
                ? Eager.pack(adapters.device(), temporary, linear.name(), tensor, linear.weight().rows(), linear.weight().columns(), true)
                : Matrix.rowMajor(tensor);
    }

    private WeightMerge unmerged(Linear linear) {
        return new WeightMerge() {
            @Override
            public Rows rows(long first, int count) {
                float[] rows = Eager.rows(adapters.device(), linear.name(), linear.weight().matrix(), first, count);
                return new Rows(rows, rows);
            }

            @Override
            public void close() {}
        };
    }

    /** @param before the weight before it was quantized, or null */
    private MergeReport.Drift write(
            String module, WeightMerge merge, Matrix base, Matrix before, DType target, RowSink sink) throws IOException {
        long height = base.rows();
        int block = (int) Eager.blockRows(height, base.columns());
        double lost = 0;
        double exact = 0;
        double changed = 0;
        double norm = 0;
        double quantized = 0;
        double original = 0;
        for (long first = 0; first < height; first += block) {
            int count = (int) Math.min(block, height - first);
            var rows = merge.rows(first, count);
            for (int i = 0; i < rows.merged().length; i++) {
                double value = rows.merged()[i];
                double rounded = Stored.rounded(module, rows.merged()[i], target);
                lost += (rounded - value) * (rounded - value);
                exact += value * value;
                changed += (value - rows.base()[i]) * (value - rows.base()[i]);
                norm += (double) rows.base()[i] * rows.base()[i];
            }
            if (before != null) {
                float[] values = Eager.rows(adapters.device(), module, before, first, count);
                for (int i = 0; i < values.length; i++) {
                    quantized += ((double) rows.base()[i] - values[i]) * ((double) rows.base()[i] - values[i]);
                    original += (double) values[i] * values[i];
                }
            }
            sink.write(rows.merged());
        }
        return new MergeReport.Drift(module, relative(lost, exact), relative(changed, norm),
                before == null ? OptionalDouble.empty() : OptionalDouble.of(relative(quantized, original)));
    }

    private interface RowSink {
        void write(float[] rows) throws IOException;
    }

    private static double relative(double squares, double of) {
        return of == 0 ? 0 : Math.sqrt(squares / of);
    }
}
