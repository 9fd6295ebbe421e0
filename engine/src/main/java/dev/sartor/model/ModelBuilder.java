package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.RowBlocks;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.nn.Embedding;
import dev.sartor.nn.Experts;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Norm;
import dev.sartor.nn.RopeScaling;
import dev.sartor.nn.Rotary;
import dev.sartor.nn.Vector;
import dev.sartor.quant.DenseWeight;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.quant.QuantizedWeight;
import dev.sartor.quant.Quantizer;
import dev.sartor.quant.Weight;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Makes a family's modules from a source of tensors. A frozen model's matrices are packed once in
 * the compute type, or quantized; a trained one's stay row-major in float32, each with its gradient.
 */
public final class ModelBuilder {
    private final Device device;
    private final Scope scope;
    private final DType dtype;
    private final WeightSource source;
    private final boolean trained;
    private final QuantizationConfig quantization;
    private final boolean storedQuantized;
    private final List<Parameter> parameters = new ArrayList<>();
    private long mappedBytes;

    /**
     * @param scope owns the weights
     * @param dtype compute type: float32 or bfloat16
     * @param trained whether every weight is to be trained
     * @param quantization of linear layers, or null for none
     * @param storedQuantized whether config.json says that what is stored is quantized so
     */
    public ModelBuilder(
            Device device, Scope scope, DType dtype, WeightSource source, boolean trained, QuantizationConfig quantization,
            boolean storedQuantized) {
        if (dtype != DType.FLOAT32 && dtype != DType.BFLOAT16) {
            throw new IllegalArgumentException("models compute in float32 or bfloat16, not " + dtype);
        }
        this.device = device;
        this.scope = scope;
        this.dtype = dtype;
        this.source = source;
        this.trained = trained;
        this.quantization = quantization;
        this.storedQuantized = storedQuantized;
        if (trained && quantization != null) {
            throw new IllegalArgumentException("quantized weights cannot be trained, and the whole model is to be ("
                    + quantization.describe() + "); train an adapter on it, or use unquantized weights");
        }
    }

    public DType dtype() {
        return dtype;
    }

    /** The trained parameters made so far; none for a frozen model. */
    public List<Parameter> parameters() {
        return List.copyOf(parameters);
    }

    /** Bytes of the source's files that are read in place. */
    public long mappedBytes() {
        return mappedBytes;
    }

    public Linear linear(String name, long in, long out, boolean bias) {
        return linear(name, in, out, bias, false);
    }

    /** @param transposed whether the checkpoint stores the weight as [in, out] */
    public Linear linear(String name, long in, long out, boolean bias, boolean transposed) {
        return new Linear(name, linearWeight(name, out, in, transposed), bias ? parameter(name + ".bias", out) : null,
                transposed);
    }

    /** The layer that makes a router's logits: small, and never quantized. */
    public Linear router(String name, long hidden, long experts, boolean bias) {
        return new Linear(name, weight(name + ".weight", experts, hidden, false), bias ? parameter(name + ".bias", experts) : null, false);
    }

    /** @param name such as {@code model.layers.3.mlp.experts} */
    public Experts experts(String name, int count, long hidden, long intermediate, ActivationKind activation, boolean biases) {
        return new Experts(name, expertLayer(name, "gate_proj", count, intermediate, hidden, biases),
                expertLayer(name, "up_proj", count, intermediate, hidden, biases),
                expertLayer(name, "down_proj", count, hidden, intermediate, biases), activation);
    }

    private Experts.Layer expertLayer(String name, String layer, int count, long rows, long columns, boolean biases) {
        var bias = biases ? vectors(name + "." + layer + "_bias", count, rows) : null;
        var names = IntStream.range(0, count).mapToObj(expert -> name + "." + expert + "." + layer).toList();
        if (!trained) {
            return new Experts.Layer(names.stream().map(each -> linear(each, columns, rows, false)).toList(), null, bias);
        }
        var spec = TensorSpec.of(DType.FLOAT32, count * rows, columns);
        var all = new Parameter(name + "." + layer, scope.allocate(spec), scope.allocate(spec));
        var linears = IntStream.range(0, count).mapToObj(expert -> {
            var weight = names.get(expert) + ".weight";
            var stored = source.spec(weight, rows, columns);
            var part = new Parameter(weight, all.value().slice(expert * rows, rows), all.gradient().slice(expert * rows, rows));
            fill(weight, stored, part.value(), false);
            parameters.add(part);
            return new Linear(names.get(expert), DenseWeight.trained(part), null, false);
        }).toList();
        return new Experts.Layer(linears, all, bias);
    }

    /** @param shared whether an output head multiplies with the table too */
    public Embedding embedding(String name, long entries, long width, boolean shared) {
        // Some files of tied models name the table by its other use.
        var tensor = shared && !source.contains(name + ".weight") && source.contains(CausalLm.HEAD + ".weight")
                ? CausalLm.HEAD + ".weight"
                : name + ".weight";
        if (trained || shared) {
            return new Embedding(name, weight(tensor, entries, width, false));
        }
        var spec = source.spec(tensor, entries, width);
        // Only the rows that a text uses are ever read: the file itself is the best place for them.
        var inPlace = source.inPlace(device, tensor);
        var table = inPlace.orElseGet(() -> copy(tensor, spec, spec.dtype()));
        mappedBytes += inPlace.map(mapped -> mapped.spec().bytes()).orElse(0L);
        return new Embedding(name, DenseWeight.frozen(tensor, Matrix.rowMajor(table)));
    }

    public Norm rmsNorm(String name, long width, float epsilon) {
        return Norm.rms(name, parameter(name + ".weight", width), epsilon);
    }

    public Norm layerNorm(String name, long width, float epsilon) {
        return Norm.layer(name, parameter(name + ".weight", width), parameter(name + ".bias", width), epsilon);
    }

    /** @param name its key in checkpoints */
    public Vector vector(String name, long width) {
        return new Vector(name, parameter(name, width), null);
    }

    /** A vector that no gradient trains. */
    public Vector buffer(String name, long width) {
        return new Vector(name, Parameter.frozen(name, copy(name, source.spec(name, width), DType.FLOAT32)), DType.FLOAT32);
    }

    public Rotary rotary(RopeScaling scaling, int headDim, boolean interleaved) {
        return new Rotary(scaling, headDim, interleaved, device, scope);
    }

    private Weight linearWeight(String module, long rows, long columns, boolean transposed) {
        var name = module + ".weight";
        if (trained) {
            return weight(name, rows, columns, transposed);
        }
        var quantizer = new Quantizer(device, scope);
        boolean wanted = quantization != null && quantization.takes(module);
        if (wanted && source.isPlan()) {
            return new QuantizedWeight(name, quantizer.planned(rows, columns, quantization));
        }
        if (!wanted) {
            return weight(name, rows, columns, transposed);
        }
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            var stored = storedQuantized
                    ? source.quantized(name, rows, columns, quantization)
                    : Optional.<BitsAndBytes.Stored>empty();
            if (stored.isPresent()) {
                return new QuantizedWeight(name,
                        quantizer.pack(name, quantizer.stored(name, stored.get(), rows, columns, temporary)));
            }
            var spec = source.spec(name, transposed ? columns : rows, transposed ? rows : columns);
            return new QuantizedWeight(name, quantizer.pack(name, quantizer.quantize(
                    name, source.dense(device, name, spec), rows, columns, transposed, quantization, true, temporary)));
        }
    }

    private Weight weight(String name, long rows, long columns, boolean transposed) {
        var spec = source.spec(name, transposed ? columns : rows, transposed ? rows : columns);
        if (trained) {
            var value = scope.allocate(TensorSpec.of(DType.FLOAT32, rows, columns));
            fill(name, spec, value, transposed);
            return DenseWeight.trained(train(name, value));
        }
        var packed = scope.allocate(TensorSpec.of(DType.UINT8, device.packedBytes(rows, columns, dtype)));
        var matrix = new Matrix(rows, columns, Layout.PACKED, dtype, packed);
        if (transposed) {
            run(name, new Pack(source.tensor(device, name), matrix, true));
        } else {
            byRows(name, spec, (first, part) ->
                    new Pack(part, RowBlocks.packed(device, matrix, first, part.shape().dim(0)), false));
        }
        return DenseWeight.frozen(name, matrix);
    }

    /** A vector for each expert. */
    private Vector vectors(String name, long count, long width) {
        return new Vector(name, parameter(name, source.spec(name, count, width)), null);
    }

    private Parameter parameter(String name, long width) {
        return parameter(name, source.spec(name, width));
    }

    private Parameter parameter(String name, TensorSpec stored) {
        var value = copy(name, stored, DType.FLOAT32);
        return trained ? train(name, value) : Parameter.frozen(name, value);
    }

    private Parameter train(String name, Tensor value) {
        var parameter = new Parameter(name, value, scope.allocate(value.spec()));
        parameters.add(parameter);
        return parameter;
    }

    private Tensor copy(String name, TensorSpec spec, DType to) {
        var value = scope.allocate(new TensorSpec(to, spec.shape()));
        fill(name, spec, value, false);
        return value;
    }

    private void fill(String name, TensorSpec spec, Tensor value, boolean transposed) {
        if (!transposed) {
            byRows(name, spec, (first, part) -> new Convert(part, value.slice(first, part.shape().dim(0))));
            return;
        }
        // By way of the device's panels, which know how to turn a matrix.
        try (var temporary = new Scope(Scope.Kind.STEP, device)) {
            long rows = value.shape().dim(0);
            long columns = value.shape().dim(1);
            var packed = Eager.pack(device, temporary, name, source.tensor(device, name), rows, columns, true);
            run(name, new Unpack(packed, value, 0));
        }
    }

    /** What is done with rows of a stored tensor, from the first on. */
    private interface RowKernel {
        Kernel on(long first, Tensor part);
    }

    private void byRows(String name, TensorSpec spec, RowKernel kernel) {
        if (source.isPlan()) {
            return;
        }
        var stored = source.dense(device, name, spec);
        long rows = spec.shape().dim(0);
        long block = stored.blockRows();
        for (long first = 0; first < rows; first += block) {
            run(name, kernel.on(first, stored.rows(first, Math.min(block, rows - first))));
        }
    }

    private void run(String where, Kernel kernel) {
        Eager.run(device, where, kernel);
    }
}
