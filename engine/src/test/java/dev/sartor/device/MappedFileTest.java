package dev.sartor.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.kernel.Convert;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory in a file behaves like any other, and leaves nothing behind. */
class MappedFileTest {
    private static final TensorSpec SPEC = TensorSpec.of(DType.FLOAT32, 3);

    @TempDir
    Path directory;

    @Test
    void kernelsReadAndWriteIt() throws IOException {
        for (var device : List.of(new ReferenceDevice(), CpuDevice.open(1))) {
            try (device; var file = device.onFile(directory, 2 * 64); var arena = Arena.ofConfined()) {
                var scope = new Scope(Scope.Kind.STATE, file);
                var a = scope.allocate(SPEC);
                var b = scope.allocate(SPEC);
                assertArrayEquals(new float[3], Eager.floats(device, b), "zeroed");
                device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3), a);
                Eager.run(device, "test", new Convert(a, b));
                assertArrayEquals(new float[] {1, 2, 3}, Eager.floats(device, b));
                assertTrue(assertThrows(DeviceException.class, () -> scope.allocate(SPEC)).getMessage().contains("no room"));
                scope.close();
            }
            try (var left = Files.list(directory)) {
                assertEquals(List.of(), left.toList());
            }
        }
    }

    @Test
    void programsDoNotOutliveIt() throws IOException {
        try (var device = CpuDevice.open(1); var scope = new Scope(Scope.Kind.STATE, device)) {
            var file = device.onFile(directory, 64);
            var inFile = new Scope(Scope.Kind.STATE, file).allocate(SPEC);
            var program = device.compile(List.of(new Instruction(new Convert(scope.allocate(SPEC), inFile), "test")), null);
            device.submit(program);
            file.close();
            file.close();
            assertThrows(DeviceException.class, () -> device.submit(program));
            program.close();
        }
    }

    @Test
    void whatTheDiskCannotHoldIsRefused() throws IOException {
        try (var device = CpuDevice.open(1)) {
            var refused = assertThrows(IOException.class, () -> device.onFile(directory, 1L << 60)).getMessage();
            assertTrue(refused.contains("1,152,921,504,606,846,976 bytes") && refused.contains("make room"), refused);
            var missing = assertThrows(IOException.class, () -> device.onFile(directory.resolve("none"), 64)).getMessage();
            assertTrue(missing.contains("none: no file of 64 bytes for optimizer state: no such directory; make it"), missing);
            var file = Files.writeString(directory.resolve("file"), "");
            var noDirectory = assertThrows(IOException.class, () -> device.onFile(file, 64)).getMessage();
            assertTrue(noDirectory.contains("file: no file of 64 bytes for optimizer state: it is no directory"), noDirectory);
            Files.delete(file);
            try (var left = Files.list(directory)) {
                assertEquals(List.of(), left.toList());
            }
        }
    }

    /** A disk that runs full while the file is written says so then, and not when the memory is touched. */
    @Test
    void reservingWritesEveryByte() throws IOException {
        var file = directory.resolve("file");
        try (var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            MappedFile.reserve(channel, (5 << 20) + 3);
        }
        assertEquals((5 << 20) + 3, Files.size(file));
        var full = Path.of("/dev/full");
        if (Files.exists(full)) {
            try (var channel = FileChannel.open(full, StandardOpenOption.WRITE)) {
                assertThrows(IOException.class, () -> MappedFile.reserve(channel, 64));
            }
        }
    }
}
