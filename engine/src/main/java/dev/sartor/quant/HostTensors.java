package dev.sartor.quant;

import dev.sartor.device.Device;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Java arrays as tensors of a device. */
final class HostTensors {
    private HostTensors() {}

    static Tensor floats(Device device, Scope scope, float[] values) {
        return copy(device, scope, DType.FLOAT32, values.length, MemorySegment.ofArray(values));
    }

    static Tensor ints(Device device, Scope scope, int[] values) {
        return copy(device, scope, DType.INT32, values.length, MemorySegment.ofArray(values));
    }

    static Tensor bytes(Device device, Scope scope, byte[] values) {
        return copy(device, scope, DType.UINT8, values.length, MemorySegment.ofArray(values));
    }

    private static Tensor copy(Device device, Scope scope, DType dtype, long count, MemorySegment values) {
        var tensor = scope.allocate(TensorSpec.of(dtype, count));
        try (var arena = Arena.ofConfined()) {
            // Devices take native memory only.
            device.write(arena.allocate(values.byteSize(), 8).copyFrom(values), tensor);
        }
        return tensor;
    }

    /** A copy outside of the Java heap, which would grow and stay so. */
    static MemorySegment copy(Device device, Tensor tensor, Arena arena) {
        var host = arena.allocate(tensor.spec().bytes(), 8);
        device.read(tensor, host);
        return host;
    }

    static byte[] bytes(Device device, Tensor tensor) {
        try (var arena = Arena.ofConfined()) {
            return copy(device, tensor, arena).toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
