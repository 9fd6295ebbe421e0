package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Matrix;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.Finite;
import dev.sartor.io.FormatException;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.nn.Linear;
import dev.sartor.quant.DenseSource;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.quant.QuantizedWeight;
import dev.sartor.quant.Quantizer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Quantizes a model's files into a directory that Transformers reads with bitsandbytes: one tensor at a
 * time, from file to file.
 */
public final class QuantizedModelWriter {
    private final Device device;
    private final Safetensors file;
    private final TensorReader reader;
    private final QuantizationConfig config;
    private final List<QuantizationReport.Loss> losses = new ArrayList<>();
    /** Owns the codes of the tensor that is being written. */
    private Arena codes = Arena.ofConfined();

    private QuantizedModelWriter(Device device, Safetensors file, TensorReader reader, QuantizationConfig config) {
        this.device = device;
        this.file = file;
        this.reader = reader;
        this.config = config;
    }

    /**
     * Writes weights, configuration, and where the model has them, generation settings and the
     * tokenizer's files. A new directory appears whole or not at all, in one that is there each file does. int8 is
     * written without outlier columns, for which the format has no place.
     *
     * @param maxShardBytes as in {@link dev.sartor.io.SafetensorsWriter#writeModel}
     * @throws IllegalArgumentException if the model is quantized already, or target may not be written (see
     *     {@link OutputDirectory})
     */
    public static QuantizationReport write(
            Device device, Path source, OutputDirectory target, QuantizationConfig config, long maxShardBytes) throws IOException {
        var directory = ModelDirectory.open(source);
        var output = target.sparing("the base model's", source);
        output.require();
        var tree = directory.config();
        var where = source.resolve("config.json").toString();
        var already = QuantizationConfig.read(tree, where);
        if (already.isPresent()) {
            throw new IllegalArgumentException(where + ": the model is quantized already (" + already.get().describe()
                    + "); quantize the model that it was made from");
        }
        try (var planned = LanguageModel.planned(device, source, DType.FLOAT32, false, config);
                var file = Safetensors.open(source);
                var reader = new TensorReader(file)) {
            var writer = new QuantizedModelWriter(device, file, reader, config);
            var tensors = writer.tensors(planned.lm());
            tree.set("quantization_config", config.toJson(directory.storedType().orElse(DType.FLOAT32).name().toLowerCase(Locale.ROOT)));
            try {
                output.write(folder -> {
                    ModelDirectory.save(folder, tree, directory.generationConfig(), tensors, maxShardBytes);
                    directory.copyTokenizer(folder);
                });
            } finally {
                writer.codes.close();
            }
            return new QuantizationReport(
                    file.totalBytes(), tensors.stream().mapToLong(TensorSource::bytes).sum(), writer.losses);
        }
    }

    /** Dense tensors first: their place in the file is then aligned, whatever the sizes of the quantized. */
    private List<TensorSource> tensors(CausalLm lm) throws FormatException {
        var quantized = new LinkedHashMap<String, Linear>();
        for (var module : lm.modules()) {
            if (module instanceof Linear linear && linear.weight() instanceof QuantizedWeight weight) {
                quantized.put(CheckpointNames.stored(file, weight.name()).orElse(weight.name()), linear);
            }
        }
        var sources = new ArrayList<TensorSource>();
        for (var key : file.names()) {
            if (!quantized.containsKey(key)) {
                sources.add(new TensorSource(key, file.spec(key), sink -> {
                    var broken = Finite.first(reader, key);
                    if (broken.isPresent()) {
                        throw new FormatException(broken.get());
                    }
                    reader.copy(key, sink);
                }));
            }
        }
        for (var entry : quantized.entrySet()) {
            if (!file.contains(entry.getKey())) {
                throw new FormatException(file.source() + ": has no tensor '" + entry.getKey() + "'; experts whose weights lie in"
                        + " one tensor have no place in bitsandbytes' layout. Quantize the model as it is loaded instead (quantization)");
            }
            sources.addAll(quantized(entry));
        }
        return sources;
    }

    private List<TensorSource> quantized(Map.Entry<String, Linear> entry) throws FormatException {
        var key = entry.getKey();
        var linear = entry.getValue();
        long rows = linear.weight().rows();
        long columns = linear.weight().columns();
        var spec = file.spec(key);
        var expected = linear.isTransposed() ? TensorSpec.of(spec.dtype(), columns, rows) : TensorSpec.of(spec.dtype(), rows, columns);
        if (!spec.equals(expected)) {
            throw new FormatException(file.source() + ": tensor '" + key + "' is " + spec + ", but config.json asks for " + expected.shape());
        }
        return config.type().isFourBit()
                ? BitsAndBytes.fourBit(key, config.type(), spec.dtype(), rows, columns, config.doubleQuant(),
                        () -> (BitsAndBytes.FourBit) quantize(key, linear))
                : BitsAndBytes.rowWise(key, rows, columns, () -> (BitsAndBytes.RowWise) quantize(key, linear));
    }

    private BitsAndBytes.Stored quantize(String key, Linear linear) throws IOException {
        long rows = linear.weight().rows();
        long columns = linear.weight().columns();
        var source = DenseSource.of(device, reader, key);
        codes.close();
        codes = Arena.ofConfined();
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var quantizer = new Quantizer(device, temporary);
            var made = quantizer.quantize(key, source, rows, columns, linear.isTransposed(), config, false, temporary);
            losses.add(new QuantizationReport.Loss(linear.name(), error(temporary, key, made, source, linear.isTransposed())));
            return quantizer.toStored(made, codes);
        }
    }

    private double error(Scope temporary, String key, Matrix made, DenseSource source, boolean transposed) {
        var turned = transposed
                ? Eager.pack(device, temporary, key, source.all(), made.rows(), made.columns(), true)
                : null;
        long block = Eager.blockRows(made.rows(), made.columns());
        double lost = 0;
        double exact = 0;
        for (long first = 0; first < made.rows(); first += block) {
            long count = Math.min(block, made.rows() - first);
            float[] before = transposed
                    ? Eager.rows(device, key, turned, first, count)
                    : Eager.rows(device, key, Matrix.rowMajor(source.rows(first, count)), 0, count);
            float[] after = Eager.rows(device, key, made, first, count);
            for (int i = 0; i < before.length; i++) {
                double difference = (double) after[i] - before[i];
                lost += difference * difference;
                exact += (double) before[i] * before[i];
            }
        }
        return exact == 0 ? 0 : Math.sqrt(lost / exact);
    }
}
