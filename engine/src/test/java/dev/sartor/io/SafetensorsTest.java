package dev.sartor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {

    @TempDir
    Path dir;

    private Path file(String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        all.putLong(json.length).put(json);
        for (int i = 0; i < dataBytes; i++) {
            all.put((byte) i);
        }
        Path file = dir.resolve("x.safetensors");
        Files.write(file, all.array());
        return file;
    }

    @Test
    void readsWhatAnotherWriterWrote() throws IOException {
        Path file = file("{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[4,5]},"
                + "\"a\":{\"dtype\":\"U16\",\"shape\":[2,1],\"data_offsets\":[0,4]}}  ", 5);
        try (Safetensors st = Safetensors.open(file)) {
            assertEquals(List.of("a", "b"), List.copyOf(st.names()));
            assertEquals(Map.of("format", "pt"), st.metadata());
            assertEquals(new TensorSpec(DType.UINT8, Shape.of()), st.spec("b"));
            assertEquals(4, st.data("b").get(ValueLayout.JAVA_BYTE, 0));
            assertTrue(st.data("b").isReadOnly());
            assertEquals(SafetensorsType.U16, st.type("a"));
            String message = assertThrows(FormatException.class, () -> st.spec("a")).getMessage();
            assertTrue(message.contains("'a'") && message.contains("U16"), message);
            message = assertThrows(FormatException.class, () -> st.floats("a")).getMessage();
            assertTrue(message.contains("U16[2, 1]"), message);
            message = assertThrows(FormatException.class, () -> st.spec("c")).getMessage();
            assertTrue(message.contains("no tensor 'c'") && message.contains("[a, b]"), message);
        }
    }

    @Test
    void closingInvalidatesSegments() throws IOException {
        MemorySegment data;
        try (Safetensors st = Safetensors.open(file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1))) {
            data = st.data("a");
        }
        assertThrows(IllegalStateException.class, () -> data.get(ValueLayout.JAVA_BYTE, 0));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}|8|not valid JSON",
        "[1]|0|expected a JSON object, found an array",
        "{\"a\":3}|0|expected an object with dtype",
        "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}|8|unknown dtype 'F33'",
        "{\"a\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}|8|dtype must be a string",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}|8|shape must be an array of non-negative integers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}|8|shape must be an array of non-negative integers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}|8|begin <= end",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}|8|begin <= end",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}|7|cut short",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}|8|F32[3] needs 12 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}|8|too large to count",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}|6|tensors overlap",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[5,6]}}|6|leave a hole",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}|6|2 bytes follow the last tensor",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}|2|Duplicate",
        "{\"__metadata__\":{\"n\":1}}|0|__metadata__.n must be a string",
    })
    void refusesABrokenHeader(String header, int dataBytes, String expected) throws IOException {
        Path file = file(header, dataBytes);
        String message = assertThrows(FormatException.class, () -> Safetensors.open(file).close()).getMessage();
        assertTrue(message.startsWith(file.toString()) && message.contains(expected), message);
    }

    @ParameterizedTest
    @CsvSource({"3,too short", "8,header length 0 is outside", "16,reaches past the end"})
    void refusesABrokenPrefix(int bytes, String expected) throws IOException {
        Path file = dir.resolve("p.safetensors");
        ByteBuffer content = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes == 16) {
            content.putLong(9);
        }
        Files.write(file, content.array());
        String message = assertThrows(FormatException.class, () -> Safetensors.open(file).close()).getMessage();
        assertTrue(message.startsWith(file.toString()) && message.contains(expected), message);
    }

    @Test
    void writesAndReadsEveryType() throws IOException {
        float[] values = {0f, -1.5f, 3.1415927f, Float.MAX_VALUE, Float.NaN, 1e-40f};
        int[] ints = {0, -1, Integer.MAX_VALUE};
        MemorySegment raw = MemorySegment.ofArray(new byte[] {1, 0, 1});
        Path file = dir.resolve("all.safetensors");
        SafetensorsWriter.write(file, List.of(
                TensorSource.of("bool", new TensorSpec(DType.BOOL, Shape.of(3)), raw),
                TensorSource.of("f32", new TensorSpec(DType.FLOAT32, Shape.of(2, 3)), values),
                TensorSource.of("bf16", new TensorSpec(DType.BFLOAT16, Shape.of(6)), values),
                TensorSource.of("f16", new TensorSpec(DType.FLOAT16, Shape.of(6)), values),
                TensorSource.of("i32", new TensorSpec(DType.INT32, Shape.of(3)), ints),
                TensorSource.of("i64 \"é\"", new TensorSpec(DType.INT64, Shape.of(3)), ints),
                TensorSource.of("none", new TensorSpec(DType.FLOAT32, Shape.of(0, 4)), new float[0])));
        try (Safetensors st = Safetensors.open(file)) {
            assertEquals(SafetensorsWriter.PYTORCH, st.metadata());
            assertArrayEquals(values, st.floats("f32"));
            assertArrayEquals(new int[] {1, 0, 1}, st.ints("bool"));
            assertArrayEquals(ints, st.ints("i32"));
            assertArrayEquals(ints, st.ints("i64 \"é\""));
            assertEquals(0, st.floats("none").length);
            assertEquals(Shape.of(2, 3), st.spec("f32").shape());
            assertArrayEquals(new float[] {0f, -1.5f, 3.140625f, Float.POSITIVE_INFINITY, Float.NaN, Float.intBitsToFloat(0x10000)}, st.floats("bf16"));
            assertArrayEquals(new float[] {0f, -1.5f, 3.140625f, Float.POSITIVE_INFINITY, Float.NaN, 0f}, st.floats("f16"));
        }
        ByteBuffer start = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(0, start.getLong(0) % 8, "header padded to eight bytes");
        try (var left = Files.list(dir)) {
            assertEquals(List.of(file), left.toList(), "no temporary file stays");
        }
    }

    @Test
    void bfloat16RoundsToNearestEven() {
        assertEquals((short) 0x3f80, Conversions.floatToBfloat16(Float.intBitsToFloat(0x3f808000)));
        assertEquals((short) 0x3f82, Conversions.floatToBfloat16(Float.intBitsToFloat(0x3f818000)));
        assertEquals((short) 0x3f81, Conversions.floatToBfloat16(Float.intBitsToFloat(0x3f808001)));
        assertTrue(Float.isNaN(Conversions.bfloat16ToFloat(Conversions.floatToBfloat16(Float.intBitsToFloat(0x7f800001)))));
    }

    @Test
    void aWriterThatLiesLeavesTheOldFile() throws IOException {
        Path file = dir.resolve("m.safetensors");
        TensorSpec spec = new TensorSpec(DType.FLOAT32, Shape.of(2));
        SafetensorsWriter.write(file, List.of(TensorSource.of("a", spec, new float[] {1, 2})));
        for (float[] wrong : List.of(new float[1], new float[3])) {
            assertThrows(IllegalStateException.class,
                    () -> SafetensorsWriter.write(file, List.of(TensorSource.of("a", spec, wrong))));
        }
        TensorSource twice = TensorSource.of("a", spec, new float[2]);
        assertThrows(IllegalArgumentException.class, () -> SafetensorsWriter.write(file, List.of(twice, twice)));
        try (Safetensors st = Safetensors.open(file)) {
            assertArrayEquals(new float[] {1, 2}, st.floats("a"));
        }
        try (var left = Files.list(dir)) {
            assertEquals(1, left.count());
        }
    }

    @Test
    void shardsAboveTheSizeAndReadsThemAsOne() throws IOException {
        TensorSpec spec = new TensorSpec(DType.FLOAT32, Shape.of(4));
        List<TensorSource> tensors = List.of(TensorSource.of("a", spec, new float[] {1, 2, 3, 4}),
                TensorSource.of("b", spec, new float[] {5, 6, 7, 8}), TensorSource.of("c", spec, new float[] {9, 10, 11, 12}));
        SafetensorsWriter.writeModel(dir, tensors, Long.MAX_VALUE);
        assertTrue(Files.exists(dir.resolve("model.safetensors")));
        SafetensorsWriter.writeModel(dir, tensors, 32);
        assertEquals(Set.of("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", Safetensors.INDEX), listed());
        try (Safetensors st = Safetensors.open(dir)) {
            assertEquals(Set.of("a", "b", "c"), st.names());
            assertArrayEquals(new float[] {9, 10, 11, 12}, st.floats("c"));
            assertEquals(48, st.totalBytes());
        }
        assertEquals(48, Json.readObject(dir.resolve(Safetensors.INDEX)).path("metadata").path("total_size").intValue());
        Files.delete(dir.resolve("model-00002-of-00002.safetensors"));
        String message = assertThrows(FormatException.class, () -> Safetensors.open(dir)).getMessage();
        assertTrue(message.contains("model-00002-of-00002.safetensors is missing"), message);
        SafetensorsWriter.writeModel(dir, tensors, 1000);
        assertEquals(Set.of("model.safetensors"), listed());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"weight_map\":{\"a\":\"x.safetensors\",\"z\":\"x.safetensors\"}}|'z' should be in x.safetensors, but no shard has it",
        "{\"weight_map\":{}}|no error",
        "{\"weight_map\":{\"a\":\"../x.safetensors\"}}|name of a .safetensors file beside it",
        "{\"weight_map\":[]}|weight_map must be an object",
        "{\"weight_map\":{\"b\":\"x.safetensors\"}}|'b' should be in",
    })
    void checksTheIndex(String index, String expected) throws IOException {
        file("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
        Files.writeString(dir.resolve(Safetensors.INDEX), index);
        if (expected.equals("no error")) {
            try (Safetensors st = Safetensors.open(dir)) {
                assertEquals(Set.of(), st.names());
            }
            return;
        }
        String message = assertThrows(FormatException.class, () -> Safetensors.open(dir)).getMessage();
        assertTrue(message.contains(expected), message);
    }

    private Set<String> listed() throws IOException {
        try (var files = Files.list(dir)) {
            return Set.copyOf(files.map(f -> f.getFileName().toString()).toList());
        }
    }
}
