package dev.sartor.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.device.QuantType;
import dev.sartor.io.BitsAndBytes;
import dev.sartor.io.Json;
import dev.sartor.io.Safetensors;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.io.TensorReader;
import dev.sartor.io.TensorSource;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights that quantized_golden.py made in plain PyTorch, in bitsandbytes' layout: read, made again, and written. */
class QuantizedFilesTest {
    private static final long ROWS = 21;
    private static final long COLUMNS = 52;

    @TempDir
    Path temporary;

    private final Device device = new ReferenceDevice();

    @ParameterizedTest
    @EnumSource(QuantType.class)
    void readMadeAndWritten(QuantType type) throws IOException {
        try (var golden = golden(type); var reader = new TensorReader(golden); var arena = Arena.ofConfined();
                var scope = new Scope(Scope.Kind.STEP, device)) {
            var quantizer = new Quantizer(device, scope);
            assertTrue(BitsAndBytes.isQuantized(golden, "layer.weight"));
            var stored = BitsAndBytes.read(reader, "layer.weight", ROWS, COLUMNS);
            var read = quantizer.stored("layer", stored, ROWS, COLUMNS, scope);
            float[] value = golden.floats("value");
            assertArrayEquals(value, Eager.rows(device, "layer", read, 0, ROWS), 1e-9f, "as read");
            assertArrayEquals(value, Eager.rows(device, "layer", quantizer.pack("layer", read), 0, ROWS), 1e-9f, "packed");

            var config = QuantizationConfig.of(type, type == QuantType.NF4);
            var source = DenseSource.of(device, reader, "source");
            var made = quantizer.quantize("layer", source, ROWS, COLUMNS, false, config, false, scope);
            assertArrayEquals(golden.data("layer.weight").toArray(ValueLayout.JAVA_BYTE), HostTensors.bytes(device, made.data()), "codes");
            assertArrayEquals(value, Eager.rows(device, "layer", made, 0, ROWS), 1e-9f, "as made");

            var again = quantizer.toStored(made, arena);
            var sources = type.isFourBit()
                    ? BitsAndBytes.fourBit("layer.weight", type, golden.spec("source").dtype(), ROWS, COLUMNS, type == QuantType.NF4,
                            () -> (BitsAndBytes.FourBit) again)
                    : BitsAndBytes.rowWise("layer.weight", ROWS, COLUMNS, () -> (BitsAndBytes.RowWise) again);
            var file = temporary.resolve("again.safetensors");
            SafetensorsWriter.write(file, sources);
            try (var written = Safetensors.open(file)) {
                for (var name : golden.names()) {
                    if (name.startsWith("layer.")) {
                        assertEquals(golden.type(name), written.type(name), name);
                        compare(golden, written, name);
                    }
                }
                assertEquals(golden.names().size() - 2, written.names().size());
            }
        }
    }

    private static void compare(Safetensors golden, Safetensors written, String name) throws IOException {
        if (name.contains("quant_state")) {
            assertEquals(state(golden, name), state(written, name));
        } else {
            assertEquals(-1, golden.data(name).mismatch(written.data(name)), name + " differs");
            if (!name.endsWith("weight_format")) {
                assertEquals(golden.spec(name), written.spec(name), name);
            }
        }
    }

    private static Object state(Safetensors file, String name) throws IOException {
        return Json.parse(new String(file.data(name).toArray(ValueLayout.JAVA_BYTE)), name);
    }

    @Test
    void largeValuesKeepTheirColumnsInInt8() throws IOException {
        try (var scope = new Scope(Scope.Kind.STEP, device)) {
            float[] values = new float[8 * 128];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(i * 0.7) * 0.1f;
            }
            values[3 * 128 + 77] = 12;
            var file = temporary.resolve("w.safetensors");
            SafetensorsWriter.write(file, List.of(TensorSource.of("w", TensorSpec.of(DType.FLOAT32, 8, 128), values)));
            try (var open = Safetensors.open(file)) {
                var source = DenseSource.of(Eager.wrap(device, open.spec("w"), open.data("w")));
                assertArrayEquals(new int[] {77}, OutlierColumns.find(device, "w", source, 8, 128, false));
                var config = QuantizationConfig.of(QuantType.INT8, false);
                var quantizer = new Quantizer(device, scope);
                float[] kept = Eager.rows(device, "w", quantizer.quantize("w", source, 8, 128, false, config, true, scope), 3, 1);
                float[] spoilt = Eager.rows(device, "w", quantizer.quantize("w", source, 8, 128, false, config, false, scope), 3, 1);
                assertEquals(12, kept[77]);
                assertEquals(values[3 * 128], kept[0], 0.1 / 254 + 1e-6);
                assertTrue(Math.abs(values[3 * 128] - spoilt[0]) > 0.1 / 127, "without outlier columns the row's scale is too coarse");
            }
        }
    }

    @Test
    void otherLayoutsAreRefused() throws IOException {
        try (var golden = golden(QuantType.NF4)) {
            var shape = assertThrows(IOException.class, () -> BitsAndBytes.read(new TensorReader(golden), "layer.weight", COLUMNS, ROWS));
            assertTrue(shape.getMessage().contains("shape: expected [52,21], found [21,52]"), shape.getMessage());
            var other = changed(golden, "\"blocksize\": 64", "\"blocksize\": 32");
            try (var file = Safetensors.open(other)) {
                var refusal = assertThrows(IOException.class, () -> BitsAndBytes.read(new TensorReader(file), "layer.weight", ROWS, COLUMNS));
                assertTrue(refusal.getMessage().contains("blocksize: expected 64, found 32"), refusal.getMessage());
            }
        }
    }

    private Path changed(Safetensors golden, String before, String after) throws IOException {
        var sources = new ArrayList<TensorSource>();
        for (var name : golden.names()) {
            if (name.contains("quant_state")) {
                byte[] text = new String(golden.data(name).toArray(ValueLayout.JAVA_BYTE)).replace(before, after).getBytes();
                sources.add(TensorSource.of(name, TensorSpec.of(DType.UINT8, text.length), java.lang.foreign.MemorySegment.ofArray(text)));
            } else {
                sources.add(TensorSource.of(name, golden.spec(name), golden.data(name)));
            }
        }
        var file = temporary.resolve("changed.safetensors");
        SafetensorsWriter.write(file, sources);
        return file;
    }

    @ParameterizedTest
    @EnumSource(QuantType.class)
    void scalesThatAreNoneAreRefused(QuantType type) throws IOException {
        try (var golden = golden(type)) {
            var floats = golden.names().stream().filter(name -> name.startsWith("layer."))
                    .filter(name -> spec(golden, name).dtype() == DType.FLOAT32).toList();
            assertEquals(type == QuantType.NF4 ? 3 : type == QuantType.FP4 ? 2 : 1, floats.size(), floats.toString());
            for (var name : floats) {
                for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    var sources = new ArrayList<TensorSource>();
                    for (var each : golden.names()) {
                        if (each.equals(name)) {
                            float[] values = golden.floats(each);
                            values[values.length - 1] = value;
                            sources.add(TensorSource.of(each, golden.spec(each), values));
                        } else {
                            sources.add(TensorSource.of(each, golden.spec(each), golden.data(each)));
                        }
                    }
                    var file = temporary.resolve("spoilt.safetensors");
                    SafetensorsWriter.write(file, sources);
                    refuses(file, "tensor '" + name + "': element ", "expected a finite number, found " + value);
                }
            }
            if (type == QuantType.NF4) {
                refuses(changed(golden, "\"nested_offset\": ", "\"nested_offset\": 1e300, \"was\": "),
                        "nested_offset: expected a finite number, found Infinity");
            }
        }
    }

    private static TensorSpec spec(Safetensors file, String name) {
        try {
            return file.spec(name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void refuses(Path path, String... parts) throws IOException {
        try (var file = Safetensors.open(path)) {
            var message = assertThrows(IOException.class, () -> BitsAndBytes.read(new TensorReader(file), "layer.weight", ROWS, COLUMNS)).getMessage();
            for (var part : parts) {
                assertTrue(message.contains(part), message);
            }
        }
    }

    @Test
    void configurationsOfOthersAreRefused() throws IOException {
        var gptq = Json.object();
        gptq.putObject("quantization_config").put("quant_method", "gptq").put("bits", 4);
        var refusal = assertThrows(IOException.class, () -> QuantizationConfig.read(gptq, "config.json"));
        assertTrue(refusal.getMessage().contains("'gptq' is not supported; bitsandbytes (nf4, fp4, int8) is"), refusal.getMessage());
    }

    @ParameterizedTest
    @EnumSource(QuantType.class)
    void configurationsComeBack(QuantType type) throws IOException {
        for (var config : List.of(QuantizationConfig.of(type, false), QuantizationConfig.of(type, false).skipping(List.of("o_proj")),
                QuantizationConfig.of(type, type.isFourBit()))) {
            var json = Json.object();
            json.set("quantization_config", config.toJson("bfloat16"));
            assertEquals(config, QuantizationConfig.read(json, "config.json").orElseThrow());
        }
    }

    private Safetensors golden(QuantType type) throws IOException {
        var file = temporary.resolve(type + ".safetensors");
        if (!Files.exists(file)) {
            try (var stream = getClass().getResourceAsStream("/quant/" + QuantizationConfig.name(type) + ".safetensors")) {
                Files.copy(stream, file);
            }
        }
        return Safetensors.open(file);
    }
}
