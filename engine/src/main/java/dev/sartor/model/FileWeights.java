package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.FormatException;
import dev.sartor.io.Safetensors;
import dev.sartor.io.StreamedSafetensors;
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
            if (!spec.shape().equals(Shape.of(shape))) {
                throw new IllegalArgumentException(lasting.source() + ": tensor '" + name + "' is " + spec
                        + ", but config.json asks for " + Shape.of(shape));
            }
            if (!spec.dtype().isFloat()) {
                throw new IllegalArgumentException(lasting.source() + ": tensor '" + name + "' is " + spec
                        + ", expected floats; a quantized model says so in config.json (quantization_config), and is bitsandbytes' nf4, fp4 or int8");
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
    public Optional<BitsAndBytes.Stored> quantized(String name, long rows, long columns) {
        try {
            var stored = stored(name);
            return BitsAndBytes.isQuantized(lasting, stored)
                    ? Optional.of(BitsAndBytes.read(passing.reading(stored), stored, rows, columns))
                    : Optional.empty();
        } catch (FormatException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
