package dev.sartor.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.QuantType;
import dev.sartor.device.Quantization;
import dev.sartor.device.RowBlocks;
import dev.sartor.device.kernel.Pack;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A matrix that is packed or quantized some rows at a time is the one that is made at once, bit for bit. */
class PiecewiseTest {
    private static final long ROWS = 64 * 3 + 21;
    private static final long COLUMNS = 71;

    @TempDir
    Path directory;

    /** Hands out a panel at a time. */
    private record Pieces(Tensor whole, List<Long> handed) implements DenseSource {
        @Override
        public Optional<String> notFinite() {
            return Optional.empty();
        }

        @Override
        public TensorSpec spec() {
            return whole.spec();
        }

        @Override
        public Tensor rows(long first, long count) {
            handed.add(count);
            return whole.slice(first, count);
        }

        @Override
        public long blockRows() {
            return 64;
        }
    }

    private static Device device(String name) {
        return name.equals("reference") ? new ReferenceDevice() : CpuDevice.open(2);
    }

    private static float[] values() {
        var random = new SplittableRandom(7);
        var values = new float[Math.toIntExact(ROWS * COLUMNS)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static Tensor matrix(Device device, Scope scope, float[] values) {
        return HostTensors.floats(device, scope, values).reshape(ROWS, COLUMNS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void packed(String name) {
        try (var device = device(name); var scope = new Scope(Scope.Kind.STEP, device)) {
            var source = matrix(device, scope, values());
            for (var dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                var whole = packed(device, scope, dtype);
                Eager.run(device, "whole", new Pack(source, whole, false));
                var pieces = packed(device, scope, dtype);
                for (long first : new long[] {128, 0}) {
                    long count = first == 0 ? 128 : ROWS - first;
                    Eager.run(device, "piece", new Pack(source.slice(first, count), RowBlocks.packed(device, pieces, first, count), false));
                }
                assertArrayEquals(HostTensors.bytes(device, whole.data()), HostTensors.bytes(device, pieces.data()), dtype.toString());
            }
            var target = packed(device, scope, DType.FLOAT32);
            assertThrows(IllegalArgumentException.class, () -> RowBlocks.packed(device, target, 32, 64));
            assertThrows(IllegalArgumentException.class, () -> RowBlocks.packed(device, target, 64, 32));
        }
    }

    private static Matrix packed(Device device, Scope scope, DType dtype) {
        var data = scope.allocate(TensorSpec.of(DType.UINT8, device.packedBytes(ROWS, COLUMNS, dtype)));
        return new Matrix(ROWS, COLUMNS, Layout.PACKED, dtype, data);
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void quantized(String name) {
        try (var device = device(name); var scope = new Scope(Scope.Kind.STEP, device)) {
            var source = matrix(device, scope, values());
            var quantizer = new Quantizer(device, scope);
            for (var type : QuantType.values()) {
                for (boolean twice : new boolean[] {false, true}) {
                    if (!twice || type.isFourBit()) {
                        var config = QuantizationConfig.of(type, twice);
                        var whole = quantizer.quantize("w", DenseSource.of(source), ROWS, COLUMNS, false, config, true, scope);
                        var handed = new ArrayList<Long>();
                        var pieces = quantizer.quantize("w", new Pieces(source, handed), ROWS, COLUMNS, false, config, true, scope);
                        if (type.isFourBit()) {
                            assertEquals(List.of(64L, 64L, 64L, 21L), handed);
                        }
                        assertArrayEquals(bytes(device, whole), bytes(device, pieces), config.describe());
                    }
                }
            }
        }
    }

    private static byte[] bytes(Device device, Matrix matrix) {
        var scale = switch (matrix.quantization()) {
            case Quantization.FourBit four -> four.absmax();
            case Quantization.RowWise8 eight -> eight.scale();
        };
        var codes = HostTensors.bytes(device, matrix.data());
        var scales = HostTensors.bytes(device, scale);
        var both = Arrays.copyOf(codes, codes.length + scales.length);
        System.arraycopy(scales, 0, both, codes.length, scales.length);
        return both;
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void whatIsNotFiniteIsRefusedByName(float value) throws IOException {
        float[] values = values();
        values[Math.toIntExact(150 * COLUMNS + 9)] = value;
        for (var dtype : List.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)) {
            var path = directory.resolve(dtype + ".safetensors");
            SafetensorsWriter.write(path, List.of(TensorSource.of("w", TensorSpec.of(dtype, ROWS, COLUMNS), values)));
            try (var device = CpuDevice.open(2); var scope = new Scope(Scope.Kind.STEP, device); var file = Safetensors.open(path);
                    var reader = new TensorReader(file)) {
                var source = DenseSource.of(device, reader, "w");
                for (var type : QuantType.values()) {
                    var refusal = assertThrows(IllegalArgumentException.class, () -> new Quantizer(device, scope).quantize("w", source, ROWS,
                            COLUMNS, false, QuantizationConfig.of(type, false), true, scope));
                    assertTrue(refusal.getMessage().contains(path + ": tensor 'w': element [150, 9] is " + value
                            + ", expected a finite number; the checkpoint is broken"), refusal.getMessage());
                }
            }
        }
    }
}
