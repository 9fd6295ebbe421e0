package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.Finite;
import dev.sartor.io.FormatException;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorReader;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Tensors of a Hugging Face directory. They are read piece by piece into the same memory, so that loading a model does
 * not hold it twice; only what is used {@link #inPlace} is mapped.
 */
public final class FileWeights implements WeightSource {
    private final Safetensors file;
    private final TensorReader reader;

    public FileWeights(Path directory) throws IOException {
        this.file = Safetensors.open(directory);
        this.reader = new TensorReader(file);
    }

    @Override
    public TensorSpec spec(String name, long... shape) {
        try {
            var spec = file.spec(stored(name));
            if (!spec.dtype().isFloat()) {
                throw new IllegalArgumentException(file.source() + ": tensor '" + name + "' is " + spec
                        + ", expected floats; a quantized layer is bitsandbytes' nf4, fp4 or int8, and config.json says so"
                        + " (quantization_config, without it in llm_int8_skip_modules)");
            }
            if (!spec.shape().equals(Shape.of(shape))) {
                throw new IllegalArgumentException(file.source() + ": tensor '" + name + "' is " + spec
                        + ", but config.json asks for " + Shape.of(shape));
            }
            return spec;
        } catch (FormatException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    @Override
    public boolean contains(String name) {
        return CheckpointNames.stored(file, name).isPresent();
    }

    @Override
    public Tensor tensor(Device device, String name) {
        try {
            return WeightSource.wrap(device, file.spec(stored(name)), reader.read(stored(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Tensor rows(Device device, String name, long first, long count) {
        try {
            var spec = file.spec(stored(name));
            long[] dims = spec.shape().toArray();
            dims[0] = count;
            return WeightSource.wrap(device, TensorSpec.of(spec.dtype(), dims), reader.rows(stored(name), first, count));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<BitsAndBytes.Stored> quantized(String name, long rows, long columns, QuantizationConfig config) {
        try {
            var stored = stored(name);
            if (!BitsAndBytes.isQuantized(file, stored)) {
                throw contradiction(stored, config, file.spec(stored) + " without quantization");
            }
            var read = BitsAndBytes.read(reader, stored, rows, columns);
            var found = QuantizationConfig.of(read.type(), read.doublyQuantized());
            if (read.type() != config.type() || read.doublyQuantized() != config.doubleQuant()) {
                throw contradiction(stored, config, found.describe());
            }
            return Optional.of(read);
        } catch (FormatException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private IllegalArgumentException contradiction(String stored, QuantizationConfig config, String found) {
        return new IllegalArgumentException(file.source() + ": tensor '" + stored + "' is " + found
                + ", but config.json's quantization_config says " + config.describe()
                + "; save the model again, or fetch config.json and weights of one version");
    }

    @Override
    public Optional<Tensor> inPlace(Device device, String name) {
        try {
            return Optional.of(WeightSource.wrap(device, file.spec(stored(name)), file.data(stored(name))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public long digest() {
        try {
            return file.digest();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<String> notFinite() {
        try {
            return Finite.first(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            reader.release();
        }
    }

    @Override
    public boolean isPlan() {
        return false;
    }

    /** Frees what reading took; tensors {@link #inPlace} stay. */
    public void release() {
        reader.release();
    }

    @Override
    public void close() {
        reader.close();
        file.close();
    }

    private String stored(String name) {
        return CheckpointNames.stored(file, name).orElse(name);
    }
}
