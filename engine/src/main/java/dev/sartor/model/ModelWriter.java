package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.ModelDirectory;
import dev.sartor.io.TensorSource;
import dev.sartor.io.Transposed;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.Vector;
import dev.sartor.quant.Weight;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Saves a whole model in Hugging Face layout, its weights as they are on the device. */
public final class ModelWriter {
    private final Device device;
    private final DType dtype;
    private final String modelType;
    private final List<TensorSource> tensors = new ArrayList<>();

    private ModelWriter(Device device, DType dtype, String modelType) {
        this.device = device;
        this.dtype = dtype;
        this.modelType = modelType;
    }

    /**
     * Writes weights, configuration and, where the model's own directory has them, generation
     * settings and the tokenizer's files. A tied head is left out, as Transformers does. Weights
     * that an adapter has put in the place of the model's are what is written; the adapter's
     * low-rank part is not ({@code peft.Merge} does that).
     *
     * @param dtype of the weights written: float32, bfloat16 or float16
     * @param maxShardBytes as in {@link dev.sartor.io.SafetensorsWriter#writeModel}
     */
    public static void write(LanguageModel model, Path target, DType dtype, long maxShardBytes) throws IOException {
        if (dtype != DType.FLOAT32 && dtype != DType.BFLOAT16 && dtype != DType.FLOAT16) {
            throw new IllegalArgumentException("weights are saved in float32, bfloat16 or float16, not " + dtype);
        }
        var writer = new ModelWriter(model.device(), dtype, model.directory().modelType());
        model.lm().modules().forEach(writer::add);
        var modelType = model.directory().modelType();
        var tensors = Families.of(modelType, model.directory().path().toString()).writing(writer.tensors);
        var config = model.configTree();
        config.remove("quantization_config");
        ModelDirectory.setDtype(config, dtype);
        ModelDirectory.save(target, config, model.directory().generationConfig(), tensors, maxShardBytes);
        model.directory().copyTokenizer(target);
    }

    private void add(Module module) {
        switch (module) {
            case Linear linear -> {
                weight(linear.name(), linear.weight(), linear.isTransposed());
                vector(linear.name() + ".bias", linear.bias(), dtype);
            }
            case Embedding embedding -> weight(embedding.name(), embedding.weight(), false);
            case Vector vector -> vector(vector.name(), vector.parameter(), vector.stored() == null ? dtype : vector.stored());
            case Norm norm -> {
                vector(norm.name() + ".weight", norm.weight(), dtype);
                vector(norm.name() + ".bias", norm.bias(), dtype);
            }
        }
    }

    private void vector(String key, Parameter parameter, DType stored) {
        if (parameter != null) {
            tensors.add(new TensorSource(CheckpointNames.saved(modelType, key), new TensorSpec(stored, parameter.value().shape()),
                    sink -> sink.write(Eager.floats(device, parameter.value()))));
        }
    }

    private void weight(String name, Weight weight, boolean transposed) {
        var shape = transposed ? Shape.of(weight.columns(), weight.rows()) : Shape.of(weight.rows(), weight.columns());
        tensors.add(new TensorSource(CheckpointNames.saved(modelType, name + ".weight"), new TensorSpec(dtype, shape), sink -> {
            if (transposed) {
                try (var turned = new Transposed(Shape.of(weight.rows(), weight.columns()))) {
                    rows(name, weight, turned::add);
                    turned.writeTo(sink);
                }
            } else {
                rows(name, weight, sink::write);
            }
        }));
    }

    private interface RowSink {
        void write(float[] rows) throws IOException;
    }

    private void rows(String name, Weight weight, RowSink sink) throws IOException {
        long block = Eager.blockRows(weight.rows(), weight.columns());
        for (long first = 0; first < weight.rows(); first += block) {
            sink.write(Eager.rows(device, name, weight.matrix(), first, Math.min(block, weight.rows() - first)));
        }
    }
}
