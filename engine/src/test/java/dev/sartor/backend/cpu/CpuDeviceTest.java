package dev.sartor.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.DeviceException;
import dev.sartor.device.PlanningDevice;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Memory;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Opening, memory, copies and closing. */
class CpuDeviceTest {
    private CpuDevice device;

    @BeforeEach
    void open() {
        device = CpuDevice.open(2);
    }

    @AfterEach
    void close() {
        device.close();
    }

    private static String refusal(Runnable action) {
        return assertThrows(DeviceException.class, action::run).getMessage();
    }

    private static Tensor placed(Buffer buffer, TensorSpec spec) {
        var tensor = Tensor.unplaced(spec);
        tensor.storage().place(buffer, 0);
        return tensor;
    }

    // Opening

    @Test
    void itTellsWhatItRunsOn() {
        assertEquals("cpu", device.name());
        assertEquals(2, device.threads());
        assertEquals(device.isa() + ", 2 threads", device.description());
        try (var single = CpuDevice.open(1)) {
            assertEquals(single.isa() + ", 1 thread", single.description());
        }
        try (var all = CpuDevice.open()) {
            assertEquals(Runtime.getRuntime().availableProcessors(), all.threads());
        }
    }

    @Test
    void everyInstructionSetThatIsListedOpens() {
        var sets = CpuDevice.instructionSets();
        assertTrue(sets.contains("portable"), sets::toString);
        for (var isa : sets) {
            try (var forced = CpuDevice.open(1, isa)) {
                assertEquals(isa, forced.isa());
            }
        }
    }

    @Test
    void whatDoesNotOpenSaysWhy() {
        var message = refusal(() -> CpuDevice.open(1, "avx1024"));
        assertTrue(message.contains("avx1024") && message.contains("portable"), message);
        assertTrue(refusal(() -> CpuDevice.open(-1)).contains("-1"));
        assertTrue(refusal(() -> CpuDevice.open(1_000_000)).contains("1000000"));
    }

    // Memory

    @ParameterizedTest
    @ValueSource(longs = {1, 64, 1000, (2 << 20) - 1, 2 << 20, (4 << 20) + 100})
    void memoryIsZeroedAndAligned(long bytes) {
        for (int round = 0; round < 2; round++) { // the second round gets memory that was used
            var buffer = (CpuBuffer) device.allocate(bytes);
            assertEquals(bytes, buffer.bytes());
            assertEquals(0, buffer.memory().address() % Memory.ALIGNMENT);
            assertEquals(-1, MemorySegment.ofArray(new byte[(int) bytes]).mismatch(buffer.memory()));
            buffer.memory().fill((byte) 0x5a);
            device.free(buffer);
        }
    }

    @Test
    void sizesThatCannotBeAreRefused() {
        assertTrue(refusal(() -> device.allocate(0)).contains("more than zero"));
        assertTrue(refusal(() -> device.allocate(-5)).contains("-5"));
        assertTrue(refusal(() -> device.allocate(1L << 60)).contains("no memory for a buffer of 1,152,921,504,606,846,976 bytes"));
        assertEquals(0, device.allocatedBytes());
    }

    @Test
    void aClosedScopeLeavesNothingBehind() {
        try (var scope = new Scope(Scope.Kind.STEP, device)) {
            scope.allocate(TensorSpec.of(DType.FLOAT32, 100));
            scope.slab(3 << 20);
            assertEquals(400 + (3 << 20), device.allocatedBytes());
        }
        assertEquals(0, device.allocatedBytes());
    }

    @Test
    void aBufferIsFreedOnce() {
        var buffer = device.allocate(64);
        device.free(buffer);
        assertTrue(refusal(() -> device.free(buffer)).contains("freed already"));
    }

    @Test
    void closingFreesEverything() {
        var buffer = device.allocate(3 << 20);
        device.close();
        assertEquals(0, device.allocatedBytes());
        device.free(buffer); // scopes may close later than their device
        device.close();
    }

    // Copies

    @Test
    void whatIsWrittenIsRead() {
        try (var scope = new Scope(Scope.Kind.STATE, device)) {
            var matrix = scope.allocate(TensorSpec.of(DType.FLOAT32, 4, 2));
            device.write(MemorySegment.ofArray(new float[] {1, 2, 3, 4, 5, 6, 7, 8}), matrix);
            device.write(MemorySegment.ofArray(new float[] {-3, -4}), matrix.slice(1, 1));
            float[] back = new float[4];
            device.read(matrix.slice(1, 2), MemorySegment.ofArray(back));
            assertArrayEquals(new float[] {-3, -4, 5, 6}, back);
        }
    }

    @Test
    void copiesOfOtherSizesAreRefused() {
        try (var scope = new Scope(Scope.Kind.STATE, device)) {
            var tensor = scope.allocate(TensorSpec.of(DType.FLOAT32, 4));
            var message = refusal(() -> device.write(MemorySegment.ofArray(new float[5]), tensor));
            assertEquals("write: float32[4] has 16 bytes, the host memory 20: expected the same", message);
            assertTrue(refusal(() -> device.read(tensor, MemorySegment.ofArray(new float[3]))).contains("12"));
        }
    }

    @Test
    void freedForeignAndUnplacedMemoryIsRefused() {
        var spec = TensorSpec.of(DType.FLOAT32, 4);
        var host = MemorySegment.ofArray(new float[4]);
        var freed = placed(device.allocate(16), spec);
        device.free(freed.storage().buffer());
        assertTrue(refusal(() -> device.write(host, freed)).contains("freed"));
        assertTrue(refusal(() -> device.read(freed, host)).contains("freed"));
        assertTrue(refusal(() -> device.read(Tensor.unplaced(spec), host)).contains("not yet placed"));
        try (var other = CpuDevice.open(1); var reference = new ReferenceDevice()) {
            assertTrue(refusal(() -> device.read(placed(other.allocate(16), spec), host)).contains("another CPU device"));
            assertTrue(refusal(() -> device.free(other.allocate(16))).contains("another CPU device"));
            assertTrue(refusal(() -> device.read(placed(reference.allocate(16), spec), host)).contains("another kind"));
            var imagined = new PlanningDevice(device).allocate(16);
            assertTrue(refusal(() -> device.write(host, placed(imagined, spec))).contains("another kind"));
        }
    }

    @Test
    void aClosedDeviceRefuses() {
        var tensor = placed(device.allocate(16), TensorSpec.of(DType.FLOAT32, 4));
        var host = MemorySegment.ofArray(new float[4]);
        device.close();
        assertTrue(refusal(() -> device.read(tensor, host)).contains("closed"));
        assertTrue(refusal(() -> device.write(host, tensor)).contains("closed"));
        assertTrue(refusal(() -> device.allocate(16)).contains("closed"));
        assertTrue(refusal(() -> device.packedBytes(1, 1, DType.FLOAT32)).contains("closed"));
    }

    // Wrapped memory

    @Test
    void aMappedFileIsReadInPlace(@TempDir Path folder) throws IOException {
        var file = folder.resolve("weights");
        Files.write(file, new byte[] {9, 9, 9, 0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40});
        var arena = Arena.ofShared();
        try (var channel = FileChannel.open(file)) {
            var mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, Files.size(file), arena);
            var storage = Tensor.unplaced(TensorSpec.of(DType.UINT8, mapped.byteSize())).storage();
            var buffer = device.wrap(mapped);
            storage.place(buffer, 0);
            var tensor = new Tensor(TensorSpec.of(DType.FLOAT32, 2), storage, 3);
            float[] values = new float[2];
            device.read(tensor, MemorySegment.ofArray(values));
            assertArrayEquals(new float[] {1, 2}, values);
            assertTrue(refusal(() -> device.write(MemorySegment.ofArray(values), tensor)).contains("only read"));
            assertEquals(0, device.allocatedBytes());
            device.free(buffer);
            device.free(buffer);
            arena.close();
            assertTrue(refusal(() -> device.read(tensor, MemorySegment.ofArray(values))).contains("freed"));
        }
    }

    @Test
    void memoryOfTheJavaHeapCannotBeWrapped() {
        assertTrue(refusal(() -> device.wrap(MemorySegment.ofArray(new float[4]))).contains("heap"));
        try (var arena = Arena.ofConfined()) {
            assertEquals(8, device.wrap(arena.allocate(ValueLayout.JAVA_LONG)).bytes());
        }
    }

    // Sizes

    @Test
    void packedSizesHoldTheWeightAndAreAligned() {
        for (var dtype : new DType[] {DType.FLOAT32, DType.BFLOAT16}) {
            long bytes = device.packedBytes(13, 7, dtype);
            assertTrue(bytes >= 13 * 7 * dtype.bytes() && bytes % Memory.ALIGNMENT == 0, () -> dtype + ": " + bytes);
        }
        assertTrue(refusal(() -> device.packedBytes(13, 7, DType.FLOAT16)).contains("float16"));
        assertTrue(refusal(() -> device.packedBytes(0, 7, DType.FLOAT32)).contains("[0, 7]"));
    }
}
