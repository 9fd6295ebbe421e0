package dev.sartor.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.device.Device;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.PlanningDevice;
import dev.sartor.device.Program;
import dev.sartor.device.kernel.Activation;
import dev.sartor.device.kernel.ActivationKind;
import dev.sartor.device.kernel.Add;
import dev.sartor.device.kernel.Attention;
import dev.sartor.device.kernel.AttentionBackward;
import dev.sartor.device.kernel.Convert;
import dev.sartor.device.kernel.Embedding;
import dev.sartor.device.kernel.Kernel;
import dev.sartor.device.kernel.LoraLinear;
import dev.sartor.device.kernel.Pack;
import dev.sartor.device.kernel.RmsNorm;
import dev.sartor.device.kernel.Unpack;
import dev.sartor.device.kernel.Zero;
import dev.sartor.tensor.Buffer;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Programs: compiling, running again and again, failing, closing. */
class CpuProgramTest {
    private CpuDevice device;
    private Scope scope;

    @BeforeEach
    void open() {
        device = CpuDevice.open(2);
        scope = new Scope(Scope.Kind.STATE, device);
    }

    @AfterEach
    void close() {
        scope.close();
        assertEquals(0, device.allocatedBytes(), "bytes leaked");
        device.close();
    }

    private Tensor floats(long... dims) {
        return scope.allocate(TensorSpec.of(DType.FLOAT32, dims));
    }

    private void write(Tensor tensor, float... values) {
        device.write(MemorySegment.ofArray(values), tensor);
    }

    private static float[] read(Device device, Tensor tensor) {
        float[] values = new float[(int) tensor.shape().elements()];
        device.read(tensor, MemorySegment.ofArray(values));
        return values;
    }

    private static Instruction at(String where, Kernel kernel) {
        return new Instruction(kernel, where);
    }

    private Program compile(Kernel... kernels) {
        return device.compile(Stream.of(kernels).map(kernel -> at("here", kernel)).toList(), null);
    }

    private static String refusal(Runnable action) {
        return assertThrows(DeviceException.class, action::run).getMessage();
    }

    // A program of three kernels, against the oracle

    private static final int WIDTH = 70;

    /** Looks ids up in a table, normalizes, applies SiLU. */
    private record Smoke(Tensor table, Tensor ids, Tensor y, List<Instruction> instructions) {
        static Smoke in(Scope scope) {
            var table = scope.allocate(TensorSpec.of(DType.FLOAT32, 5, WIDTH));
            var ids = scope.allocate(TensorSpec.of(DType.INT32, 3));
            var embedded = scope.allocate(TensorSpec.of(DType.FLOAT32, 3, WIDTH));
            var weight = scope.allocate(TensorSpec.of(DType.FLOAT32, WIDTH));
            var normed = scope.allocate(TensorSpec.of(DType.FLOAT32, 3, WIDTH));
            var inverseRms = scope.allocate(TensorSpec.of(DType.FLOAT32, 3));
            var y = scope.allocate(TensorSpec.of(DType.FLOAT32, 3, WIDTH));
            return new Smoke(table, ids, y, List.of(
                    at("embed_tokens", new Embedding(Matrix.rowMajor(table), ids, embedded, false)),
                    at("norm", new Add(table.slice(0, 1).reshape(WIDTH), null, weight, 0.5f, 0f)),
                    at("norm", new RmsNorm(embedded, weight, normed, inverseRms, 1e-6f)),
                    at("act_fn", new Activation(normed, null, y, ActivationKind.SILU))));
        }

        void fill(Device device, int... tokens) {
            float[] values = new float[5 * WIDTH];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) Math.sin(i * 0.7) * (1 + i % 3);
            }
            device.write(MemorySegment.ofArray(values), table);
            device.write(MemorySegment.ofArray(tokens), ids);
        }

        static float[] run(Device device, int... tokens) {
            try (var scope = new Scope(Scope.Kind.STEP, device)) {
                var smoke = in(scope);
                smoke.fill(device, tokens);
                try (var program = device.compile(smoke.instructions(), null)) {
                    device.submit(program);
                    return read(device, smoke.y());
                }
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> threeKernelsAgreeWithTheReference() {
        return CpuDevice.instructionSets().stream().map(isa -> DynamicTest.dynamicTest(isa, () -> {
            try (var forced = CpuDevice.open(2, isa); var reference = new ReferenceDevice()) {
                assertArrayEquals(Smoke.run(reference, 4, 0, 4), Smoke.run(forced, 4, 0, 4), 1e-5f);
            }
        }));
    }

    @Test
    void aProgramRunsAgainOnNewContents() {
        var smoke = Smoke.in(scope);
        try (var program = device.compile(smoke.instructions(), null)) {
            smoke.fill(device, 0, 1, 2);
            device.submit(program);
            var first = read(device, smoke.y());
            device.write(MemorySegment.ofArray(new int[] {3, 1, 2}), smoke.ids());
            device.submit(program);
            device.write(MemorySegment.ofArray(new int[] {0, 1, 2}), smoke.ids());
            device.submit(program);
            assertArrayEquals(first, read(device, smoke.y()));
        }
    }

    @Test
    void anEmptyProgramRuns() {
        try (var program = compile()) {
            device.submit(program);
        }
    }

    // Failing

    @Test
    void aFailureNamesItsInstruction() {
        var smoke = Smoke.in(scope);
        smoke.fill(device, 0, 5, 2);
        var before = floats(4);
        var after = floats(4);
        write(before, 1, 1, 1, 1);
        write(after, 1, 1, 1, 1);
        var instructions = new ArrayList<Instruction>();
        instructions.add(at("before", new Zero(before)));
        instructions.addAll(smoke.instructions());
        instructions.add(at("after", new Zero(after)));
        try (var program = device.compile(instructions, null)) {
            var message = refusal(() -> device.submit(program));
            assertTrue(message.startsWith("instruction 1 of 6: Embedding at embed_tokens: "), message);
            assertTrue(message.contains("5") && message.contains("BAD_INDEX"), message);
            assertArrayEquals(new float[4], read(device, before));
            assertArrayEquals(new float[] {1, 1, 1, 1}, read(device, after));
            device.write(MemorySegment.ofArray(new int[] {0, -1, 2}), smoke.ids());
            refusal(() -> device.submit(program));
            device.write(MemorySegment.ofArray(new int[] {0, 4, 2}), smoke.ids());
            device.submit(program);
            assertArrayEquals(new float[4], read(device, after));
        }
    }

    @Test
    void keysOutsideTheirRowAreRefused() {
        var q = floats(3, 8);
        var gradient = floats(3, 24);
        var logSumExp = floats(1, 2, 3);
        var begin = scope.allocate(TensorSpec.of(DType.INT32, 1, 3));
        var end = scope.allocate(TensorSpec.of(DType.INT32, 1, 3));
        var all = Columns.of(q);
        var o = floats(3, 8);
        var kernels = List.<Kernel>of(
                new Attention(all, all, all, o, logSumExp, begin, end, 4, 0, 0.5f, 0f),
                new AttentionBackward(o, all, all, all, o, logSumExp, begin, end, new Columns(gradient, 0, 8),
                        new Columns(gradient, 8, 8), new Columns(gradient, 16, 8), 4, 0, 0.5f, 0f));
        for (var kernel : kernels) {
            var instruction = at("self_attn", kernel);
            var scratch = scope.slab(device.scratchBytes(instruction));
            try (var program = device.compile(List.of(instruction), scratch)) {
                device.write(MemorySegment.ofArray(new int[] {1, 2, 3}), end);
                device.write(MemorySegment.ofArray(new int[] {0, -1, 0}), begin);
                assertTrue(refusal(() -> device.submit(program)).contains("BAD_INDEX"));
                device.write(MemorySegment.ofArray(new int[3]), begin);
                device.submit(program);
                device.write(MemorySegment.ofArray(new int[] {1, 2, 4}), end);
                assertTrue(refusal(() -> device.submit(program)).contains("BAD_INDEX"));
            }
        }
    }

    /** Files align their tensors to less than an element, or not at all. */
    @TestFactory
    Stream<DynamicTest> weightsOfFilesMayLieAnywhere() {
        return CpuDevice.instructionSets().stream().flatMap(isa -> Stream.of(DType.FLOAT32, DType.BFLOAT16, DType.FLOAT16)
                .map(dtype -> DynamicTest.dynamicTest(dtype + " on " + isa, () -> {
                    try (var forced = CpuDevice.open(2, isa)) {
                        assertArrayEquals(readingWeights(forced, dtype, 64), readingWeights(forced, dtype, 1));
                    }
                })));
    }

    /** What kernels that read weights in a file's layout make of one at an offset within a mapped file. */
    private static float[][] readingWeights(CpuDevice device, DType dtype, long offset) {
        int rows = 37;
        int columns = 67;
        try (var scope = new Scope(Scope.Kind.STEP, device); var arena = Arena.ofConfined()) {
            var spec = TensorSpec.of(dtype, rows, columns);
            var file = arena.allocate(offset + spec.bytes(), 64);
            for (long i = 0; i < spec.bytes(); i++) { // exponents of moderate numbers in each type
                file.set(ValueLayout.JAVA_BYTE, offset + i, (byte) (i % dtype.bytes() == dtype.bytes() - 1 ? 0x3c : i * 7));
            }
            var storage = Tensor.unplaced(TensorSpec.of(DType.UINT8, file.byteSize())).storage();
            storage.place(device.wrap(file), 0);
            var source = new Tensor(spec, storage, offset);
            var weight = Matrix.rowMajor(source);
            var packed = new Matrix(rows, columns, Layout.PACKED, DType.FLOAT32,
                    scope.allocate(TensorSpec.of(DType.UINT8, device.packedBytes(rows, columns, DType.FLOAT32))));
            var ids = scope.allocate(TensorSpec.of(DType.INT32, 3));
            device.write(MemorySegment.ofArray(new int[] {36, 0, 7}), ids);
            var converted = scope.allocate(TensorSpec.of(DType.FLOAT32, rows, columns));
            var unpacked = scope.allocate(converted.spec());
            var plain = scope.allocate(converted.spec());
            var embedded = scope.allocate(TensorSpec.of(DType.FLOAT32, 3, columns));
            var y = scope.allocate(TensorSpec.of(DType.FLOAT32, 3, rows));
            var instructions = Stream.of(
                            new Convert(source, converted),
                            new Pack(source, packed, false),
                            new Unpack(packed, unpacked, 0),
                            new Unpack(weight, plain, 0),
                            new Embedding(weight, ids, embedded, false),
                            new LoraLinear(embedded, weight, null, null, null, y, null, null, 0, 1f, 0f))
                    .map(kernel -> at("weights", kernel))
                    .toList();
            var scratch = scope.slab(instructions.stream().mapToLong(device::scratchBytes).max().orElseThrow());
            try (var program = device.compile(instructions, scratch)) {
                device.submit(program);
            }
            var results = new float[][] {
                read(device, converted), read(device, unpacked), read(device, plain), read(device, embedded), read(device, y)
            };
            assertArrayEquals(results[0], results[1]);
            assertArrayEquals(results[0], results[2]);
            return results;
        }
    }

    @Test
    void whatDoesNotCompileNamesItsInstruction() {
        var x = floats(2, 4);
        var message = refusal(() -> device.compile(List.of(
                at("fine", new Zero(x)),
                at("layers.1.norm", new RmsNorm(x, floats(5), floats(2, 4), floats(2), 1e-5f))), null));
        assertEquals("instruction 1 of 2: RmsNorm at layers.1.norm: weight: expected float32[4], got float32[5]", message);
    }

    // Memory

    private Tensor onBuffer(Buffer buffer, long position, long... dims) {
        var tensor = Tensor.unplaced(TensorSpec.of(DType.FLOAT32, dims));
        tensor.storage().place(buffer, position);
        return tensor;
    }

    @Test
    void aProgramOverFreedMemoryDoesNotRun() {
        var buffer = device.allocate(64);
        var y = onBuffer(buffer, 0, 16);
        try (var program = compile(new Zero(y))) {
            device.submit(program);
            device.free(buffer);
            assertTrue(refusal(() -> device.submit(program)).contains("freed"));
        }
        assertTrue(refusal(() -> compile(new Zero(y))).contains("freed"));
    }

    @Test
    void foreignAndUnplacedMemoryDoesNotCompile() {
        assertTrue(refusal(() -> compile(new Zero(Tensor.unplaced(TensorSpec.of(DType.FLOAT32, 4))))).contains("not yet placed"));
        try (var other = CpuDevice.open(1)) {
            assertTrue(refusal(() -> compile(new Zero(onBuffer(other.allocate(64), 0, 4)))).contains("another CPU device"));
        }
        var imagined = new PlanningDevice(device).allocate(64);
        assertTrue(refusal(() -> compile(new Zero(onBuffer(imagined, 0, 4)))).contains("another kind"));
    }

    @Test
    void wrappedMemoryIsReadWhileItIsThere() {
        var y = floats(4);
        Program program;
        try (var arena = Arena.ofConfined()) {
            var wrapped = device.wrap(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4));
            assertTrue(refusal(() -> compile(new Zero(onBuffer(wrapped, 0, 4)))).contains("only read"));
            program = compile(new Add(onBuffer(wrapped, 0, 4), null, y, 2f, 0f));
            device.submit(program);
            assertArrayEquals(new float[] {2, 4, 6, 8}, read(device, y));
        }
        assertTrue(refusal(() -> device.submit(program)).contains("freed"));
        program.close();
    }

    @Test
    void scratchIsNoPlaceForTensors() {
        var scratch = device.allocate(256);
        var y = onBuffer(scratch, 64, 16);
        assertTrue(refusal(() -> device.compile(List.of(at("here", new Zero(y))), scratch)).contains("scratch"));
        device.free(scratch);
        assertTrue(refusal(() -> device.compile(List.of(), scratch)).contains("scratch"));
    }

    @Test
    void plansNeedNoMemory() {
        var examples = new KernelExamples(m -> device.packedBytes(m.rows(), m.columns(), m.dtype()));
        for (var kernel : examples.all()) {
            long bytes = device.scratchBytes(at("here", kernel));
            assertTrue(bytes >= 0 && bytes < 1 << 24, () -> kernel.name() + " needs " + bytes + " bytes of scratch");
        }
        var x = Tensor.unplaced(TensorSpec.of(DType.FLOAT32, 4));
        assertTrue(refusal(() -> device.scratchBytes(at("there", new Add(x, x, null, 1f, 0f)))).startsWith("Add at there: y"));
    }

    // Closing

    @Test
    void aClosedProgramDoesNotRun() {
        var program = compile(new Zero(floats(4)));
        program.close();
        program.close();
        assertTrue(refusal(() -> device.submit(program)).contains("closed"));
    }

    @Test
    void aProgramOutlivesItsDeviceHarmlessly() {
        CpuProgram program;
        try (var other = CpuDevice.open(1)) {
            var y = onBuffer(other.allocate(64), 0, 4);
            program = (CpuProgram) other.compile(List.of(at("here", new Zero(y))), null);
            assertTrue(refusal(() -> device.submit(program)).contains("another device"));
        }
        assertTrue(refusal(() -> program.device().submit(program)).contains("closed"));
        program.close();
    }

    @Test
    void programsOfOtherDevicesDoNotRun() {
        assertTrue(refusal(() -> device.submit(() -> {})).contains("another device"));
    }

    // Threads

    @Test
    void programsOfSeveralThreadsRunOneAfterAnother() throws Exception {
        int threads = 4;
        int runs = 200;
        var sum = floats(1000);
        var one = floats(1000);
        float[] ones = new float[1000];
        Arrays.fill(ones, 1);
        write(one, ones);
        var programs = IntStream.range(0, threads).mapToObj(i -> compile(new Add(sum, one, sum, 1f, 1f))).toList();
        try (var pool = Executors.newFixedThreadPool(threads)) {
            var done = pool.invokeAll(programs.stream().map(program -> (Callable<Void>) () -> {
                for (int run = 0; run < runs; run++) {
                    device.submit(program);
                }
                return null;
            }).toList());
            for (var result : done) {
                result.get();
            }
        }
        float[] expected = new float[1000];
        Arrays.fill(expected, threads * runs);
        assertArrayEquals(expected, read(device, sum));
        programs.forEach(Program::close);
    }

    @Test
    void closingWaitsForWhatRuns() throws Exception {
        var other = CpuDevice.open(2);
        var x = onBuffer(other.allocate(4 << 20), 0, 1 << 20);
        var program = other.compile(List.of(at("here", new Add(x, null, x, 1f, 0f))), null);
        try (var pool = Executors.newFixedThreadPool(2)) {
            var running = pool.submit(() -> {
                for (int run = 0; run < 1_000_000; run++) {
                    other.submit(program);
                }
            });
            other.submit(program);
            other.close();
            var stopped = assertThrows(ExecutionException.class, running::get);
            assertTrue(stopped.getCause().getMessage().contains("closed"), stopped::toString);
        }
        program.close();
    }
}
