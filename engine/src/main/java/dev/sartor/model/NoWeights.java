package dev.sartor.model;

import dev.sartor.device.Device;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Tensors that are only thought of, for plans on a {@link dev.sartor.device.PlanningDevice}. */
public final class NoWeights implements WeightSource {
    private final DType dtype;
    private final Map<String, TensorSpec> specs = new HashMap<>();

    /** @param dtype in which the files would hold them */
    public NoWeights(DType dtype) {
        this.dtype = dtype;
    }

    @Override
    public TensorSpec spec(String name, long... shape) {
        var spec = TensorSpec.of(dtype, shape);
        specs.put(name, spec);
        return spec;
    }

    @Override
    public boolean contains(String name) {
        return true;
    }

    @Override
    public Tensor tensor(Device device, String name) {
        var spec = specs.get(name);
        var storage = new Storage(spec.bytes());
        storage.place(device.allocate(spec.bytes()), 0);
        return new Tensor(spec, storage, 0);
    }

    @Override
    public Tensor rows(Device device, String name, long first, long count) {
        return tensor(device, name).slice(first, count);
    }

    /** In place, as if there were a file. */
    @Override
    public Optional<Tensor> inPlace(Device device, String name) {
        return Optional.of(tensor(device, name));
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
        return true;
    }

    @Override
    public void close() {}
}
