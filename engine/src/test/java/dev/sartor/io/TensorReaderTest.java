package dev.sartor.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.tensor.DType;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class TensorReaderTest {
    /** More than a piece, and no whole number of them. */
    private static final int LARGE = (int) (TensorReader.PIECE_BYTES / 4 * 2 + 12345);

    @TempDir
    Path dir;

    private Path path;

    @BeforeEach
    void write() throws IOException {
        path = dir.resolve("x.safetensors");
        float[] large = new float[LARGE];
        for (int i = 0; i < LARGE; i++) {
            large[i] = i % 8191;
        }
        SafetensorsWriter.write(path, List.of(
                TensorSource.of("large", TensorSpec.of(DType.FLOAT32, LARGE), large),
                TensorSource.of("small", TensorSpec.of(DType.FLOAT32, 3, 2), new float[] {1, 2, 3, 4, 5, 6})));
    }

    private static float[] floats(MemorySegment bytes) {
        return bytes.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    /** Gathers what is written. */
    private static final class Gathering implements TensorSource.Sink {
        private final List<Integer> pieces = new ArrayList<>();
        private final ByteBuffer all = ByteBuffer.allocate(LARGE * 4).order(ByteOrder.LITTLE_ENDIAN);

        @Override
        public void write(MemorySegment bytes) {
            pieces.add(Math.toIntExact(bytes.byteSize()));
            all.put(bytes.asByteBuffer());
        }

        @Override
        public void write(float[] values) {
            pieces.add(values.length * 4);
            for (float value : values) {
                all.putFloat(value);
            }
        }

        @Override
        public void write(int[] values) {
            throw new IllegalStateException("no ints");
        }
    }

    @Test
    void piecesTogetherAreTheTensor() throws IOException {
        try (var file = Safetensors.open(path); var reader = new TensorReader(file)) {
            assertArrayEquals(new float[] {3, 4, 5, 6}, floats(reader.rows("small", 1, 2)));
            assertEquals(-1, file.data("large").mismatch(reader.read("large")));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, floats(reader.read("small")));
            var bytes = new Gathering();
            reader.copy("large", bytes);
            assertEquals(List.of((int) TensorReader.PIECE_BYTES, (int) TensorReader.PIECE_BYTES, 12345 * 4), bytes.pieces);
            assertEquals(-1, file.data("large").mismatch(MemorySegment.ofArray(bytes.all.array())));
            var floats = new Gathering();
            reader.copyFloats("large", floats);
            assertTrue(floats.pieces.size() > 2);
            assertArrayEquals(bytes.all.array(), floats.all.array());
        }
    }

    @Test
    void whatIsNotThereIsRefused() throws IOException {
        try (var file = Safetensors.open(path); var reader = new TensorReader(file)) {
            var beyond = assertThrows(FormatException.class, () -> reader.read("small", 8, 24));
            assertTrue(beyond.getMessage().contains("tensor 'small' has 24 bytes, not 24 from 8 on"), beyond.getMessage());
            assertThrows(FormatException.class, () -> reader.read("none"));
            try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.truncate(5000);
            }
            var shortened = assertThrows(FormatException.class, () -> reader.read("large"));
            assertTrue(shortened.getMessage().contains("ended while tensor 'large' was read"), shortened.getMessage());
        }
    }

    /** Pages of a mapped file would be, and with each its neighbours. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void nothingOfTheFileStaysResident() throws IOException {
        try (var file = Safetensors.open(path); var reader = new TensorReader(file)) {
            file.digest();
            file.floats("small");
            reader.read("large");
            assertEquals(0, resident());
            assertEquals(0, file.data("large").get(ValueLayout.JAVA_BYTE, 0));
            assertTrue(resident() > 0, "in place, it is");
        }
    }

    private long resident() throws IOException {
        long kibibytes = 0;
        boolean within = false;
        for (var line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                within = line.endsWith(path.toRealPath().toString());
            } else if (within && line.startsWith("Rss:")) {
                kibibytes += Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return kibibytes;
    }
}
