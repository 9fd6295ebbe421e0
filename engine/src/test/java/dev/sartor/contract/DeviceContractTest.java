package dev.sartor.contract;

import static dev.sartor.tensor.DType.FLOAT32;
import static dev.sartor.tensor.DType.INT64;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What every device does with memory and programs, whatever the kernels. */
class DeviceContractTest {
    @TestFactory
    Stream<DynamicTest> memoryIsZeroAtFirst() {
        return onEveryDevice((device, scope) -> {
            var tensor = scope.allocate(TensorSpec.of(FLOAT32, 17));
            assertArrayEquals(new float[17], read(device, tensor));
        });
    }

    @TestFactory
    Stream<DynamicTest> whatIsWrittenIsRead() {
        return onEveryDevice((device, scope) -> {
            var tensor = scope.allocate(TensorSpec.of(FLOAT32, 3, 5));
            write(device, tensor.slice(1, 1), 1, 2, 3, 4, 5);
            assertArrayEquals(new float[] {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0}, read(device, tensor));
            assertArrayEquals(new float[] {1, 2, 3, 4, 5}, read(device, tensor.slice(1, 1)));
        });
    }

    @TestFactory
    Stream<DynamicTest> sizesMustBeEqual() {
        return onEveryDevice((device, scope) -> {
            var tensor = scope.allocate(TensorSpec.of(FLOAT32, 3));
            assertThrows(DeviceException.class, () -> write(device, tensor, 1, 2));
            assertThrows(DeviceException.class, () -> device.read(tensor, MemorySegment.ofArray(new float[4])));
            assertThrows(DeviceException.class, () -> device.allocate(0));
        });
    }

    @TestFactory
    Stream<DynamicTest> wrappedMemoryIsReadAndNeverWritten() {
        return onEveryDevice((device, scope) -> {
            try (var arena = Arena.ofConfined()) {
                // As a file would have it: at any offset that the elements allow.
                var memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 9, 1, 2, 3).asSlice(4, 12);
                var storage = new Storage(12);
                storage.place(device.wrap(memory), 0);
                var wrapped = new Tensor(TensorSpec.of(FLOAT32, 1, 3), storage, 0);
                assertArrayEquals(new float[] {1, 2, 3}, read(device, wrapped));
                var y = scope.allocate(TensorSpec.of(FLOAT32, 1, 3));
                var ids = scope.allocate(TensorSpec.of(DType.INT32, 1));
                run(device, new Embedding(Matrix.rowMajor(wrapped), ids, y, false));
                assertArrayEquals(new float[] {1, 2, 3}, read(device, y));
                var exception = assertThrows(DeviceException.class, () -> run(device, new Zero(wrapped)));
                assertTrue(exception.getMessage().contains("Zero"), exception.getMessage());
                assertThrows(DeviceException.class, () -> write(device, wrapped, 1, 2, 3));
                assertArrayEquals(new float[] {1, 2, 3}, read(device, wrapped));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> onlyPlacedMemoryOfTheDeviceIsUsed() {
        return onEveryDevice((device, scope) -> {
            var here = scope.allocate(TensorSpec.of(FLOAT32, 3));
            var unplaced = Tensor.unplaced(TensorSpec.of(FLOAT32, 3));
            assertThrows(DeviceException.class, () -> run(device, new Convert(unplaced, here)));
            assertThrows(DeviceException.class, () -> read(device, unplaced));
            try (var other = new dev.sartor.backend.reference.ReferenceDevice();
                    var elsewhere = new Scope(Scope.Kind.STEP, other)) {
                var there = elsewhere.allocate(TensorSpec.of(FLOAT32, 3));
                assertThrows(DeviceException.class, () -> run(device, new Convert(there, here)));
                assertThrows(DeviceException.class, () -> read(device, there));
                try (var program = other.compile(List.of(new Instruction(new Zero(there), "there")), null)) {
                    assertThrows(DeviceException.class, () -> device.submit(program));
                }
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> freedMemoryIsRefused() {
        return onEveryDevice((device, scope) -> {
            var here = scope.allocate(TensorSpec.of(FLOAT32, 3));
            var inner = new Scope(Scope.Kind.STEP, device);
            var gone = inner.allocate(TensorSpec.of(FLOAT32, 3));
            inner.close();
            assertThrows(DeviceException.class, () -> run(device, new Convert(gone, here)));
            assertThrows(DeviceException.class, () -> read(device, gone));
            assertThrows(DeviceException.class, () -> device.free(gone.storage().buffer()));
        });
    }

    @TestFactory
    Stream<DynamicTest> aFailureStopsTheProgramAndSaysWhere() {
        return onEveryDevice((device, scope) -> {
            var table = Matrix.rowMajor(scope.allocate(TensorSpec.of(FLOAT32, 4, 3)));
            var ids = scope.allocate(TensorSpec.of(DType.INT32, 1));
            device.write(MemorySegment.ofArray(new int[] {4}), ids);
            var ones = scope.allocate(TensorSpec.of(FLOAT32, 3));
            write(device, ones, 1, 1, 1);
            var before = scope.allocate(TensorSpec.of(FLOAT32, 3));
            var after = scope.allocate(TensorSpec.of(FLOAT32, 3));
            var instructions = List.of(
                    new Instruction(new Add(ones, null, before, 2, 0), "first"),
                    new Instruction(
                            new Embedding(table, ids, scope.allocate(TensorSpec.of(FLOAT32, 1, 3)), false),
                            "model.embed_tokens"),
                    new Instruction(new Add(ones, null, after, 3, 0), "last"));
            try (var program = device.compile(instructions, null)) {
                var exception = assertThrows(DeviceException.class, () -> device.submit(program));
                assertTrue(exception.getMessage().contains("model.embed_tokens"), exception.getMessage());
                assertArrayEquals(new float[] {2, 2, 2}, read(device, before));
                assertArrayEquals(new float[] {0, 0, 0}, read(device, after));
                // The device is none the worse for it.
                device.write(MemorySegment.ofArray(new int[] {3}), ids);
                device.submit(program);
                assertArrayEquals(new float[] {3, 3, 3}, read(device, after));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> programsRunManyTimes() {
        return onEveryDevice((device, scope) -> {
            var sum = scope.allocate(TensorSpec.of(FLOAT32, 2));
            var x = scope.allocate(TensorSpec.of(FLOAT32, 2));
            try (var program = device.compile(List.of(new Instruction(new Add(sum, x, sum, 1, 1), "sum")), null)) {
                for (int i = 1; i <= 3; i++) {
                    write(device, x, i, 10 * i);
                    device.submit(program);
                }
            }
            assertArrayEquals(new float[] {6, 60}, read(device, sum));
        });
    }

    @TestFactory
    Stream<DynamicTest> wrongShapesAreRefusedWithTheirName() {
        return onEveryDevice((device, scope) -> {
            var three = scope.allocate(TensorSpec.of(FLOAT32, 3));
            var four = scope.allocate(TensorSpec.of(FLOAT32, 4));
            var longs = scope.allocate(TensorSpec.of(INT64, 3));
            var shapes = assertThrows(DeviceException.class, () -> run(device, new Add(three, four, three, 1, 1)));
            assertTrue(shapes.getMessage().contains("b"), shapes.getMessage());
            assertThrows(DeviceException.class, () -> run(device, new Add(three, longs, three, 1, 1)));
            assertThrows(DeviceException.class, () -> run(device, new Add(null, three, three, 1, 1)));
        });
    }

    @TestFactory
    Stream<DynamicTest> closingTwiceAndFreeingAfterwardsIsHarmless() {
        return Subject.openers().entrySet().stream().map(opener -> DynamicTest.dynamicTest(opener.getKey(), () -> {
            var device = opener.getValue().get();
            var scope = new Scope(Scope.Kind.STEP, device);
            scope.allocate(TensorSpec.of(FLOAT32, 3));
            device.close();
            assertDoesNotThrow(device::close);
            assertDoesNotThrow(scope::close);
        }));
    }

    private static Stream<DynamicTest> onEveryDevice(BiConsumer<Device, Scope> body) {
        return Subject.present().stream().map(subject -> DynamicTest.dynamicTest(subject.label(), () -> {
            try (var scope = new Scope(Scope.Kind.STEP, subject.device())) {
                body.accept(subject.device(), scope);
            }
        }));
    }

    private static void run(Device device, Kernel kernel) {
        try (var program = device.compile(List.of(new Instruction(kernel, "contract")), null)) {
            device.submit(program);
        }
    }

    private static void write(Device device, Tensor tensor, float... values) {
        device.write(MemorySegment.ofArray(values), tensor);
    }

    private static float[] read(Device device, Tensor tensor) {
        var values = new float[Math.toIntExact(tensor.shape().elements())];
        device.read(tensor, MemorySegment.ofArray(values));
        return values;
    }
}
