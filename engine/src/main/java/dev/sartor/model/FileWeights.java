package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.io.CheckpointNames;
import dev.sartor.io.FormatException;
import dev.sartor.io.Safetensors;
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
    private static final long MAPPED_AT_ONCE = 64L << 20;

    private final Path directory;
    private final Safetensors lasting;
    /** What is mapped only while it is read; null when nothing is. */
    private Safetensors passing;
    private long touched;

    public FileWeights(Path directory) throws IOException {
        this.directory = directory;
        this.lasting = Safetensors.open(directory);
    }

    @Override
    public TensorSpec spec(String name, long... shape) {
        try {
            var spec = lasting.spec(stored(name));
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
    public Tensor tensor(Device device, String name) {
        try {
            if (touched > MAPPED_AT_ONCE) {
                release();
            }
            if (passing == null) {
                passing = Safetensors.open(directory);
            }
            var data = passing.data(stored(name));
            touched += data.byteSize();
            return WeightSource.wrap(device, passing.spec(stored(name)), data);
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

    /** Unmaps what was only read once; tensors {@link #inPlace} stay. */
    public void release() {
        if (passing != null) {
            passing.close();
            passing = null;
        }
        touched = 0;
    }

    @Override
    public void close() {
        release();
        lasting.close();
    }

    private String stored(String name) {
        return CheckpointNames.stored(lasting, name).orElse(name);
    }
}
