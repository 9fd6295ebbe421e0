package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.FormatException;
import dev.sartor.io.Safetensors;
import dev.sartor.io.StreamedSafetensors;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Tensors of a Hugging Face directory. Files are mapped; what has been read is unmapped again every
 * so often, so that loading a model does not hold it in memory twice.
 */
public final class FileWeights implements WeightSource {
    private final Safetensors lasting;
    private final StreamedSafetensors passing;

    public FileWeights(Path directory) throws IOException {
        this.lasting = Safetensors.open(directory);
        this.passing = new StreamedSafetensors(directory);
    }

    @Override
    public TensorSpec spec(String name, long... shape) {
        try {
            var spec = lasting.spec(stored(name));
            if (!spec.dtype().isFloat()) {
                throw new IllegalArgumentException(lasting.source() + ": tensor '" + name + "' is " + spec
                        + ", expected floats; a quantized layer is bitsandbytes' nf4, fp4 or int8, and config.json says so"
                        + " (quantization_config, without it in llm_int8_skip_modules)");
            }
            if (!spec.shape().equals(Shape.of(shape))) {
                throw new IllegalArgumentException(lasting.source() + ": tensor '" + name + "' is " + spec
                        + ", but config.json asks for " + Shape.of(shape));
            }
            return spec;
        } catch (FormatException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    @Override
    public boolean contains(String name) {
        return CheckpointNames.stored(lasting, name).isPresent();
    }

    @Override
    public Tensor tensor(Device device, String name) {
        try {
            var file = passing.reading(stored(name));
            return WeightSource.wrap(device, file.spec(stored(name)), file.data(stored(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<BitsAndBytes.Stored> quantized(String name, long rows, long columns, QuantizationConfig config) {
        try {
            var stored = stored(name);
            if (!BitsAndBytes.isQuantized(lasting, stored)) {
                throw contradiction(stored, config, lasting.spec(stored) + " without quantization");
            }
            var read = BitsAndBytes.read(passing.reading(stored), stored, rows, columns);
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
        return new IllegalArgumentException(lasting.source() + ": tensor '" + stored + "' is " + found
                + ", but config.json's quantization_config says " + config.describe()
                + "; save the model again, or fetch config.json and weights of one version");
    }

    @Override
    public Optional<Tensor> inPlace(Device device, String name) {
        try {
            return Optional.of(WeightSource.wrap(device, lasting.spec(stored(name)), lasting.data(stored(name))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public long digest() {
        return lasting.digest();
    }

    @Override
    public boolean isPlan() {
        return false;
    }

    /** Unmaps what was only read once; tensors {@link #inPlace} stay. */
    public void release() {
        passing.release();
    }

    @Override
    public void close() {
        passing.close();
        lasting.close();
    }

    private String stored(String name) {
        return CheckpointNames.stored(lasting, name).orElse(name);
    }
}
