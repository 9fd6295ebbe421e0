package dev.sartor.peft;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.io.FormatException;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorSource;
import dev.sartor.io.Transposed;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Set;

/** Moves an adapter's tensors between files and the device. */
final class AdapterFile {
    private static final Set<DType> READABLE = Set.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16);

    private AdapterFile() {}

    /**
     * Reads one tensor.
     *
     * @param prefix before the tensor's key in this file
     * @throws FormatException if its shape or type is not what the adapter holds
     */
    static void read(Device device, Safetensors file, String prefix, AdapterTensor tensor, Parameter to) throws FormatException {
        var key = prefix + tensor.key();
        var stored = file.spec(key);
        if (!stored.shape().equals(tensor.storedShape())) {
            throw new FormatException(file.source() + ": tensor '" + key + "' is " + stored + ", but the model and "
                    + "adapter_config.json ask for " + tensor.storedShape() + "; is it an adapter of this model"
                    + (tensor.key().contains(".lora_") ? "?" : ", and has the vocabulary the same size?"));
        }
        if (!READABLE.contains(stored.dtype())) {
            throw new FormatException(file.source() + ": tensor '" + key + "' is " + stored
                    + "; expected float32, bfloat16 or float16");
        }
        var source = Eager.wrap(device, stored, file.data(key));
        switch (tensor.arrangement()) {
            case Arrangement.Plain() -> Eager.run(device, key, new Convert(source, to.value()));
            case Arrangement.Transposed() -> {
                // By way of the device's panels, which know how to turn a matrix.
                try (var temporary = new Scope(Scope.Kind.STEP, device)) {
                    var panels = Eager.pack(
                            device, temporary, key, source, tensor.shape().dim(0), tensor.shape().dim(1), true);
                    Eager.run(device, key, new Unpack(panels, to.value(), 0));
                }
            }
            case Arrangement.RankMajor arrangement -> {
                float[] values = arrangement.fromFile(file.floats(key), tensor.shape());
                try (var arena = Arena.ofConfined()) {
                    device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), to.value());
                }
            }
        }
    }

    /** A tensor to be saved as the adapter's file has it. */
    static TensorSource source(Device device, String key, AdapterTensor tensor, Parameter from, DType dtype) {
        return new TensorSource(key, new TensorSpec(dtype, tensor.storedShape()), sink -> write(device, tensor, from, sink));
    }

    private static void write(Device device, AdapterTensor tensor, Parameter from, TensorSource.Sink sink) throws IOException {
        var values = Eager.floats(device, from.value());
        switch (tensor.arrangement()) {
            case Arrangement.Transposed() -> {
                try (var turned = new Transposed(tensor.shape())) {
                    turned.add(values);
                    turned.writeTo(sink);
                }
            }
            case Arrangement.Plain() -> sink.write(values);
            case Arrangement.RankMajor arrangement -> sink.write(arrangement.toFile(values, tensor.shape()));
        }
    }
}
