package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.quant.DenseSource;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Where a model's tensors come from: files, a random start, or nowhere (when only planning). */
public interface WeightSource extends AutoCloseable {
    /**
     * Type and shape as stored.
     *
     * @throws IllegalArgumentException if there is no such tensor or its shape is not this
     */
    TensorSpec spec(String name, long... shape);

    /** Whether there is such a tensor. */
    boolean contains(String name);

    /** A tensor that kernels of the device can read; valid until the next call or {@link #close}. */
    Tensor tensor(Device device, String name);

    /** Rows [first, first + count) of a tensor, along its first dimension; as {@link #tensor}. */
    Tensor rows(Device device, String name, long first, long count);

    /**
     * A weight that config.json says is stored quantized, valid until the next call; empty where nothing is stored.
     *
     * @param config what config.json says of it
     * @throws IllegalArgumentException if it is stored otherwise, or in a way that is not supported, or its shape is not
     *     this
     */
    Optional<BitsAndBytes.Stored> quantized(String name, long rows, long columns, QuantizationConfig config);

    /** The tensor where it lies, valid as long as the source is open; empty if it lies in no file. */
    Optional<Tensor> inPlace(Device device, String name);

    /** Tells apart, with very great likelihood, sources that make different models; 0 where nothing is stored. */
    long digest();

    /** What is stored that is infinite or not a number: the first such element, in words; empty if there is none. */
    default Optional<String> notFinite() {
        return Optional.empty();
    }

    /** Whether tensors have sizes only, and no values. */
    boolean isPlan();

    @Override
    void close();

    /** A matrix that is read by rows. */
    default DenseSource dense(Device device, String name, TensorSpec spec) {
        return new DenseSource() {
            @Override
            public Optional<String> notFinite() {
                return WeightSource.this.notFinite();
            }

            @Override
            public TensorSpec spec() {
                return spec;
            }

            @Override
            public Tensor rows(long first, long count) {
                return WeightSource.this.rows(device, name, first, count);
            }
        };
    }

    /** A tensor over memory that the device did not allocate. */
    static Tensor wrap(Device device, TensorSpec spec, MemorySegment data) {
        return Eager.wrap(device, spec, data);
    }
}
