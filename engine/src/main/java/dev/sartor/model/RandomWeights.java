package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A fresh start for pretraining: matrices normal with a given deviation, norms' weights 1, biases 0,
 * as Transformers initializes. Each tensor's values depend on the seed and its name alone.
 */
public final class RandomWeights implements WeightSource {
    private final long seed;
    private final double deviation;
    private final Map<String, TensorSpec> specs = new HashMap<>();
    private Arena arena = Arena.ofShared();
    private String made;
    private Tensor tensor;

    /** @param deviation {@code initializer_range} of config.json */
    public RandomWeights(long seed, double deviation) {
        this.seed = seed;
        this.deviation = deviation;
    }

    @Override
    public TensorSpec spec(String name, long... shape) {
        var spec = TensorSpec.of(DType.FLOAT32, shape);
        specs.put(name, spec);
        return spec;
    }

    @Override
    public boolean contains(String name) {
        return true;
    }

    @Override
    public Tensor tensor(Device device, String name) {
        if (name.equals(made)) {
            return tensor;
        }
        var spec = specs.get(name);
        arena.close();
        arena = Arena.ofShared();
        var data = arena.allocate(spec.bytes(), 64);
        var random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + name.hashCode());
        boolean matrix = spec.shape().rank() > 1;
        float constant = name.endsWith("bias") || name.endsWith(".sinks") ? 0 : 1;
        for (long i = 0; i < spec.shape().elements(); i++) {
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, matrix ? (float) (random.nextGaussian() * deviation) : constant);
        }
        made = name;
        tensor = WeightSource.wrap(device, spec, data);
        return tensor;
    }

    @Override
    public Tensor rows(Device device, String name, long first, long count) {
        return tensor(device, name).slice(first, count);
    }

    @Override
    public Optional<Tensor> inPlace(Device device, String name) {
        return Optional.empty();
    }

    @Override
    public Optional<BitsAndBytes.Stored> quantized(String name, long rows, long columns, QuantizationConfig config) {
        return Optional.empty();
    }

    @Override
    public long digest() {
        return 0;
    }

    @Override
    public boolean isPlan() {
        return false;
    }

    @Override
    public void close() {
        arena.close();
    }
}
