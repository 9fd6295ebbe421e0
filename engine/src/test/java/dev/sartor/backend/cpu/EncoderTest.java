package dev.sartor.backend.cpu;

import static dev.sartor.backend.cpu.KernelExamples.float32;
import static dev.sartor.backend.cpu.KernelExamples.half;
import static dev.sartor.backend.cpu.KernelExamples.int32;
import static dev.sartor.backend.cpu.KernelExamples.rowMajor;
import static dev.sartor.backend.cpu.KernelExamples.tensor;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.sartor.bindings.CpuLibrary;
import dev.sartor.bindings.cpu.sartor_attention_backward;
import dev.sartor.bindings.cpu.sartor_h;
import dev.sartor.bindings.cpu.sartor_lora_linear;
import dev.sartor.bindings.cpu.sartor_projection;
import dev.sartor.bindings.cpu.sartor_weight;
import dev.sartor.device.DeviceException;
import dev.sartor.device.Instruction;
import dev.sartor.device.Layout;
import dev.sartor.device.Matrix;
import dev.sartor.device.kernel.*;
import dev.sartor.tensor.Columns;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Storage;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What kernels are given is checked in full before native code sees it. */
class EncoderTest {
    private static final String WHERE = "model.layers.3.self_attn.q_proj";

    private static KernelExamples examples;

    @BeforeAll
    static void loadLibrary() {
        CpuLibrary.load();
        examples = new KernelExamples(matrix -> sartor_h.sartor_packed_bytes(
                matrix.rows(), matrix.columns(), sartor_h.SARTOR_FLOAT32()));
    }

    private static MemorySegment encode(Kernel kernel, Addresses addresses, Arena arena) {
        return Encoder.encode(new Instruction(kernel, WHERE), addresses, arena);
    }

    private static void assertEncodes(Kernel kernel) {
        try (var arena = Arena.ofConfined()) {
            encode(kernel, Addresses.UNPLACED, arena);
            encode(kernel, new Spread(), arena);
        }
    }

    private static String refusal(Kernel kernel) {
        return refusal(kernel, Addresses.UNPLACED);
    }

    private static String refusal(Kernel kernel, Addresses addresses) {
        try (var arena = Arena.ofConfined()) {
            var message = assertThrows(DeviceException.class, () -> encode(kernel, addresses, arena), kernel::toString)
                    .getMessage();
            assertTrue(message.startsWith(kernel.name() + " at " + WHERE + ": "), message);
            assertTrue(message.matches("(?s).*: expected .*, got .*"), message);
            return message;
        }
    }

    /** Every storage far from every other. */
    private static class Spread implements Addresses {
        private final Map<Storage, Long> places = new IdentityHashMap<>();

        @Override
        public MemorySegment of(Storage storage, long offset, long bytes, boolean written) {
            return MemorySegment.ofAddress(places.computeIfAbsent(storage, s -> (places.size() + 1L) << 20) + offset);
        }
    }

    @Test
    void examplesHoldEveryKernel() {
        var shown = examples.all().stream().map(Kernel::getClass).distinct().count();
        assertEquals(Kernel.class.getPermittedSubclasses().length, shown);
    }

    @TestFactory
    Stream<DynamicTest> validCallsAreTaken() {
        return examples.all().stream().map(kernel -> dynamicTest(kernel.name(), () -> assertEncodes(kernel)));
    }

    // Every tensor of every kernel: absent, of another type, longer, with another row

    /** Arguments that may be absent while all others are there. */
    private static final Map<Class<?>, Set<String>> OPTIONAL = Map.ofEntries(
            Map.entry(LoraLinear.class, Set.of("bias", "h")),
            Map.entry(LoraLinearBackward.class, Set.of("dWeight", "dBias")),
            Map.entry(ColumnScale.class, Set.of("bias")),
            Map.entry(ColumnScaleBackward.class, Set.of("dx", "dScale", "dBias")),
            Map.entry(RmsNormBackward.class, Set.of("dSum", "dx", "dWeight")),
            Map.entry(LayerNorm.class, Set.of("bias")),
            Map.entry(LayerNormBackward.class, Set.of("dSum", "dx", "dWeight", "dBias")),
            Map.entry(Activation.class, Set.of("up")),
            Map.entry(LinearCrossEntropy.class, Set.of("bias", "tokenWeights", "dx", "dWeight", "dBias")),
            Map.entry(Logits.class, Set.of("bias")),
            Map.entry(WeightedSum.class, Set.of("weights")),
            Map.entry(Add.class, Set.of("b")),
            Map.entry(AdamW.class, Set.of("gradientScale")),
            Map.entry(AdamW8Bit.class, Set.of("gradientScale")),
            Map.entry(Lion.class, Set.of("gradientScale")),
            Map.entry(Adafactor.class, Set.of("gradientScale")),
            Map.entry(ScheduleFreeAdamW.class, Set.of("gradientScale")),
            Map.entry(MuonMomentum.class, Set.of("gradientScale")),
            Map.entry(MatMul.class, Set.of("addend")),
            Map.entry(Sample.class, Set.of("logProbs")),
            Map.entry(Route.class, Set.of("correctionBias")),
            Map.entry(GroupedLinear.class, Set.of("bias", "h")),
            Map.entry(GroupedLinearBackward.class, Set.of("dWeight", "dBias")),
            Map.entry(RouterLosses.class, Set.of("dLogits", "tokenWeights", "scale")),
            Map.entry(RouterStatistics.class, Set.of("tokenWeights")),
            Map.entry(Combine.class, Set.of("weights")),
            Map.entry(CombineBackward.class, Set.of("weights", "dy", "dWeights")));

    /** Arguments whose size nothing else determines, and so may be larger. */
    private static final Map<Class<?>, Set<String>> FREE = Map.of(
            Zero.class, Set.of("y"),
            CheckFinite.class, Set.of("x"),
            SumSquares.class, Set.of("x"),
            EmbeddingBackward.class, Set.of("dTable"),
            Sample.class, Set.of("logits"),
            CacheWrite.class, Set.of("cache"));

    @TestFactory
    Stream<DynamicTest> absentArgumentsAreRefused() {
        return mutations("absent", argument -> !argument.type().isPrimitive(),
                argument -> null,
                (kernel, name) -> OPTIONAL.getOrDefault(kernel, Set.of()).contains(name));
    }

    @TestFactory
    Stream<DynamicTest> otherTypesAreRefused() {
        // Zero takes any type, and the schedule is 8 bytes of any type: here it becomes 4.
        return mutations("of int16", Argument::holdsTensor, argument -> changed(argument.value(), spec ->
                new TensorSpec(DType.INT16, spec.shape())), (kernel, name) -> kernel == Zero.class);
    }

    @TestFactory
    Stream<DynamicTest> longerRowsAreRefused() {
        return mutations("with a longer row", Argument::holdsTensor,
                argument -> changed(argument.value(), spec -> resized(spec, spec.shape().rank() - 1)),
                (kernel, name) -> kernel != EmbeddingBackward.class && kernel != CacheWrite.class
                        && FREE.getOrDefault(kernel, Set.of()).contains(name));
    }

    @TestFactory
    Stream<DynamicTest> moreRowsAreRefused() {
        return mutations("with another row", Argument::holdsTensor,
                argument -> changed(argument.value(), spec -> resized(spec, 0)),
                (kernel, name) -> kernel != Sample.class && kernel != CacheWrite.class
                        && FREE.getOrDefault(kernel, Set.of()).contains(name));
    }

    private interface Mutation {
        Object of(Argument argument);
    }

    private interface Exemption {
        boolean of(Class<?> kernel, String argument);
    }

    /** One argument of a call: a component of its record, or of the last of its projections. */
    private record Argument(String name, Class<?> type, Object value, Function<Object, Kernel> change) {
        boolean holdsTensor() {
            return Set.of(Tensor.class, Matrix.class, Columns.class).contains(type);
        }
    }

    private static List<Argument> arguments(Kernel kernel) {
        var arguments = new ArrayList<Argument>();
        for (var component : kernel.getClass().getRecordComponents()) {
            if (get(kernel, component) instanceof List<?> projections) {
                var last = (Record) projections.getLast();
                for (var inner : last.getClass().getRecordComponents()) {
                    arguments.add(new Argument(inner.getName(), inner.getType(), get(last, inner), value -> {
                        var changed = new ArrayList<Object>(projections);
                        changed.set(projections.size() - 1, copy(last, inner, value));
                        return (Kernel) copy((Record) kernel, component, changed);
                    }));
                }
            } else {
                arguments.add(new Argument(component.getName(), component.getType(), get(kernel, component),
                        value -> (Kernel) copy((Record) kernel, component, value)));
            }
        }
        return arguments;
    }

    private static Stream<DynamicTest> mutations(
            String what, Predicate<Argument> which, Mutation mutation, Exemption exempt) {
        var tests = new ArrayList<DynamicTest>();
        for (var kernel : examples.all()) {
            for (var argument : arguments(kernel)) {
                if (which.test(argument) && argument.value() != null) {
                    var mutant = argument.change().apply(mutation.of(argument));
                    boolean taken = exempt.of(kernel.getClass(), argument.name());
                    tests.add(dynamicTest(kernel.name() + "." + argument.name() + " " + what, () -> {
                        if (taken) {
                            assertEncodes(mutant);
                        } else {
                            refusal(mutant);
                        }
                    }));
                }
            }
        }
        return tests.stream();
    }

    private static Object changed(Object value, UnaryOperator<TensorSpec> change) {
        return switch (value) {
            case Tensor tensor -> Tensor.unplaced(change.apply(tensor.spec()));
            case Columns columns -> new Columns(Tensor.unplaced(TensorSpec.of(
                    change.apply(columns.matrix().spec()).dtype(),
                    change.apply(TensorSpec.of(DType.UINT8, columns.rows(), columns.count())).shape().toArray())),
                    0, change.apply(TensorSpec.of(DType.UINT8, columns.rows(), columns.count())).shape().last());
            case Matrix matrix -> new Matrix(
                    change.apply(TensorSpec.of(DType.UINT8, matrix.rows(), matrix.columns())).shape().dim(0),
                    change.apply(TensorSpec.of(DType.UINT8, matrix.rows(), matrix.columns())).shape().dim(1),
                    matrix.layout(), change.apply(TensorSpec.of(matrix.dtype(), 1)).dtype(), matrix.data());
            default -> throw new AssertionError(value);
        };
    }

    private static TensorSpec resized(TensorSpec spec, int dimension) {
        long[] dims = spec.shape().toArray();
        dims[dimension]++;
        return new TensorSpec(spec.dtype(), Shape.of(dims));
    }

    private static Object get(Object record, RecordComponent component) {
        try {
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The same record with one component changed. */
    private static Record copy(Record record, RecordComponent changed, Object value) {
        var components = record.getClass().getRecordComponents();
        var types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        var values = Arrays.stream(components)
                .map(component -> component.getName().equals(changed.getName()) ? value : get(record, component))
                .toArray();
        try {
            return record.getClass().getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The same call with one argument changed. */
    private static Kernel with(Kernel kernel, String name, Object value) {
        return arguments(kernel).stream()
                .filter(argument -> argument.name().equals(name))
                .map(argument -> argument.change().apply(value))
                .findFirst()
                .orElseThrow();
    }

    // Numbers

    private record BadNumber(Class<? extends Kernel> kernel, String component, Object value) {}

    @TestFactory
    Stream<DynamicTest> badNumbersAreRefused() {
        return Stream.of(
                        new BadNumber(LoraLinear.class, "dropout", 1f),
                        new BadNumber(LoraLinear.class, "dropout", -0.1f),
                        new BadNumber(LoraLinear.class, "dropout", Float.NaN),
                        new BadNumber(LoraLinear.class, "scaling", Float.NaN),
                        new BadNumber(LoraLinearBackward.class, "scaling", Float.POSITIVE_INFINITY),
                        new BadNumber(DoraScale.class, "scaling", Float.NaN),
                        new BadNumber(RmsNorm.class, "epsilon", -1f),
                        new BadNumber(LayerNorm.class, "epsilon", Float.NaN),
                        new BadNumber(Rope.class, "headDim", 0),
                        new BadNumber(Rope.class, "headDim", 3),
                        new BadNumber(Rope.class, "headDim", 2),
                        new BadNumber(Attention.class, "headDim", -4),
                        new BadNumber(Attention.class, "headDim", 5),
                        new BadNumber(Attention.class, "window", -1),
                        new BadNumber(Attention.class, "scale", Float.NaN),
                        new BadNumber(Attention.class, "softcap", -1f),
                        new BadNumber(AttentionBackward.class, "softcap", Float.NaN),
                        new BadNumber(LinearCrossEntropy.class, "softcap", -1f),
                        new BadNumber(Logits.class, "softcap", Float.NaN),
                        new BadNumber(Add.class, "alpha", Float.NaN),
                        new BadNumber(Dropout.class, "probability", 1f),
                        new BadNumber(Clip.class, "maxNorm", Float.NaN),
                        new BadNumber(AdamW.class, "beta1", 1f),
                        new BadNumber(AdamW.class, "beta2", -0.5f),
                        new BadNumber(AdamW.class, "epsilon", -1f),
                        new BadNumber(AdamW.class, "weightDecay", Float.NaN),
                        new BadNumber(AdamW8Bit.class, "beta2", 1f),
                        new BadNumber(Lion.class, "beta1", Float.NaN),
                        new BadNumber(Adafactor.class, "decayRate", 0f),
                        new BadNumber(Adafactor.class, "clipThreshold", 0f),
                        new BadNumber(Adafactor.class, "epsilon1", 0f),
                        new BadNumber(ScheduleFreeAdamW.class, "beta1", 0f),
                        new BadNumber(ScheduleFreeWeight.class, "weightLrPower", -1f),
                        new BadNumber(MuonMomentum.class, "momentum", 1f),
                        new BadNumber(MuonMomentum.class, "epsilon", 0f),
                        new BadNumber(MuonUpdate.class, "ratio", Float.NaN),
                        new BadNumber(MatMul.class, "alpha", Float.POSITIVE_INFINITY),
                        new BadNumber(Sample.class, "temperature", -1f),
                        new BadNumber(Sample.class, "topP", 0f),
                        new BadNumber(Sample.class, "topP", 1.5f),
                        new BadNumber(Sample.class, "topK", -1),
                        new BadNumber(Route.class, "routing", Routing.softmax(0, true)),
                        new BadNumber(Route.class, "routing", Routing.softmax(5, true)),
                        new BadNumber(Route.class, "routing", new Routing(2, RouterScoring.SIGMOID, true, 1, 3, 1, GroupScore.MAX)),
                        new BadNumber(Route.class, "routing", new Routing(3, RouterScoring.SIGMOID, true, 1, 2, 1, GroupScore.MAX)),
                        new BadNumber(Route.class, "routing", new Routing(2, RouterScoring.SIGMOID, true, 1, 4, 4, GroupScore.TOP2_SUM)),
                        new BadNumber(Route.class, "routing", new Routing(2, null, true, 1, 1, 1, GroupScore.MAX)),
                        new BadNumber(Route.class, "routing", new Routing(2, RouterScoring.SIGMOID, true, Float.NaN, 1, 1, GroupScore.MAX)),
                        new BadNumber(GroupedLinear.class, "topK", 0),
                        new BadNumber(GroupedLinear.class, "scaling", Float.NaN),
                        new BadNumber(GroupedLinear.class, "adapters", new ExpertAdapters(List.of(0, 1))),
                        new BadNumber(GroupedLinear.class, "adapters", new ExpertAdapters(List.of(0, 1, 0, -1))),
                        new BadNumber(GroupedLinear.class, "adapters", new ExpertAdapters(List.of(0, 1, -2, -1))),
                        new BadNumber(GroupedLinear.class, "adapters", new ExpertAdapters(List.of(0, 1, 2, -1))),
                        new BadNumber(GroupedLinear.class, "weights", List.of()),
                        new BadNumber(GroupedLinearBackward.class, "weights", List.of()),
                        new BadNumber(GroupedLinearBackward.class, "topK", 5),
                        new BadNumber(RouterLosses.class, "topK", 5),
                        new BadNumber(RouterLosses.class, "auxLossCoef", Float.NaN),
                        new BadNumber(RouterLosses.class, "zLossCoef", Float.NaN),
                        new BadNumber(Dispatch.class, "capacity", -1L),
                        new BadNumber(Unpack.class, "firstRow", 1L),
                        new BadNumber(Unpack.class, "firstRow", -1L))
                .map(bad -> dynamicTest(bad.toString(), () -> {
                    var example = examples.all().stream().filter(bad.kernel()::isInstance).findFirst().orElseThrow();
                    refusal(with(example, bad.component(), bad.value()));
                }));
    }

    @Test
    void emptyTensorsAreRefused() {
        refusal(new RmsNorm(float32(0, 8), float32(8), float32(0, 8), float32(0), 1e-5f));
        refusal(new SumSquares(float32(0), tensor(DType.FLOAT64, 1), false));
        refusal(new Zero(float32(0)));
    }

    // Relations between arguments

    @Test
    void anAdapterIsWholeOrAbsent() {
        var call = examples.loraLinear();
        assertTrue(refusal(with(call, "loraB", null)).contains("loraB"));
        var adapted = call.projections().getFirst();
        var plain = new LoraLinear(call.x(), adapted.weight(), null, null, null, adapted.y(), null, null, 0, 1f, 0f);
        assertEncodes(plain);
        assertTrue(refusal(with(plain, "h", adapted.h())).contains("there is no adapter"));
        assertTrue(refusal(with(with(call, "rng", null), "dropout", 0.5f)).contains("rng"));
        assertEncodes(with(with(call, "rng", null), "dropout", 0f));
    }

    @Test
    void aBackwardPassMayAskForAnyPart() {
        var call = examples.loraLinearBackward();
        var first = call.projections().getFirst();
        var onlyDx = new LoraLinearBackward(first.dy(), null, null, first.weight(), first.loraA(), first.loraB(), call.dx(),
                null, null, null, null, call.rng(), 3, 2f, 0.1f, false);
        assertEncodes(onlyDx);
        assertTrue(refusal(with(onlyDx, "dWeight", first.dWeight())).contains("x: expected a tensor"));
        assertTrue(refusal(with(call, "h", null)).contains("h: expected a tensor"));
        assertTrue(refusal(with(call, "dLoraB", null)).contains("dLoraB"));
        assertTrue(refusal(with(call, "dx", null)).contains("accumulate"));
    }

    @Test
    void projectionsShareTheirInput() {
        var call = examples.projections();
        var layer = call.projections().getLast();
        var many = Collections.nCopies(LoraLinear.MAX_PROJECTIONS + 1, layer);
        assertTrue(refusal(new LoraLinear(call.x(), many, null, 0, 0f)).contains("projections: expected 1 to 3, got 4"));
        assertTrue(refusal(new LoraLinear(call.x(), List.of(), null, 0, 0f)).contains("projections: expected 1 to 3, got 0"));
        assertTrue(refusal(with(with(call, "dropout", 0.5f), "rng", KernelExamples.int64(2))).contains("0 with several projections"));
        var narrow = examples.packed(KernelExamples.OUT, KernelExamples.IN - 1);
        assertTrue(refusal(with(call, "weight", narrow)).contains("weight of projection 1: expected 8 columns"));
        assertTrue(refusal(new LoraLinear(call.x(), List.of(layer, layer), null, 0, 0f), new Spread()).contains("overlaps"));
    }

    @Test
    void panelsHaveTheirSize() {
        var call = examples.loraLinear();
        long bytes = call.projections().getFirst().weight().data().spec().bytes();
        var small = new Matrix(KernelExamples.OUT, KernelExamples.IN, Layout.PACKED, DType.FLOAT32,
                tensor(DType.UINT8, bytes - 64));
        assertTrue(refusal(with(call, "weight", small)).contains("expected " + bytes + " bytes"));
        refusal(with(call, "weight", new Matrix(KernelExamples.OUT, KernelExamples.IN, Layout.PACKED, DType.FLOAT16,
                call.projections().getFirst().weight().data())));
        assertEncodes(with(call, "weight", rowMajor(DType.FLOAT16, KernelExamples.OUT, KernelExamples.IN)));
    }

    @Test
    void headsOfKeysDivideThoseOfQueries() {
        var call = examples.attention();
        var wide = float32(KernelExamples.ROWS, 12);
        assertTrue(refusal(with(with(call, "k", Columns.of(wide)), "v", Columns.of(float32(KernelExamples.ROWS, 12))))
                .contains("divides 4"));
        assertTrue(refusal(with(call, "keyBegin", int32(6))).contains("[batch, queries]"));
    }

    @Test
    void aRefusalNamesWhatWasExpectedAndWhatCame() {
        assertEquals("RmsNorm at " + WHERE + ": weight: expected float32[8], got bfloat16[8]",
                refusal(new RmsNorm(float32(6, 8), half(8), float32(6, 8), float32(6), 1e-5f)));
    }

    // Places

    @Test
    void misalignedArgumentsAreRefused() {
        var call = new RmsNorm(float32(6, 8), float32(8), float32(6, 8), float32(6), 1e-5f);
        var shifted = new Spread() {
            @Override
            public MemorySegment of(Storage storage, long offset, long bytes, boolean written) {
                return MemorySegment.ofAddress(super.of(storage, offset, bytes, written).address() + 2);
            }
        };
        assertTrue(refusal(call, shifted).contains("a multiple of 4"));
        try (var arena = Arena.ofConfined()) { // weights lie as their file has them
            encode(new Unpack(rowMajor(DType.BFLOAT16, 12, 8), float32(12, 8), 0), (storage, offset, bytes, written) ->
                    MemorySegment.ofAddress(written ? 4096 : 1027), arena);
        }
    }

    @Test
    void outputsOverOtherArgumentsAreRefused() {
        var x = float32(6, 8);
        assertTrue(refusal(new RmsNorm(x, float32(8), x, float32(6), 1e-5f), new Spread()).contains("overlaps"));
        var both = float32(12, 8);
        assertTrue(refusal(new RmsNorm(both.slice(0, 6), float32(8), both.slice(5, 6), float32(6), 1e-5f), new Spread())
                .contains("memory apart from x"));
        assertEncodes(new RmsNorm(both.slice(0, 6), float32(8), both.slice(6, 6), float32(6), 1e-5f));
        var m = float32(6, 8);
        assertTrue(refusal(new AdamW(float32(6, 8), float32(6, 8), m, m, null, int32(2), 0f, 0f, 0f, 0f), new Spread())
                .contains("overlaps"));
    }

    @Test
    void addAndRopeWorkInPlace() {
        var a = float32(6, 8);
        var b = float32(6, 8);
        assertEncodes(new Add(a, b, a, 1f, 1f));
        assertEncodes(new Add(a, b, b, 1f, 1f));
        var both = float32(12, 8);
        refusal(new Add(both.slice(0, 6), null, both.slice(1, 6), 1f, 1f), new Spread());
        var fused = float32(6, 20);
        var queries = new Columns(fused, 0, 8);
        assertEncodes(new Rope(queries, queries, float32(10, 2), float32(10, 2), int32(6), 4, false, false, false));
        refusal(new Rope(queries, new Columns(fused, 4, 8), float32(10, 2), float32(10, 2), int32(6), 4, false, false,
                false), new Spread());
    }

    @Test
    void gradientsOfOneFusedMatrixAreApart() {
        assertEncodes(examples.attentionBackward());
        var call = examples.attentionBackward();
        assertTrue(refusal(with(call, "dv", call.dk()), new Spread()).contains("overlaps"));
        assertTrue(refusal(with(call, "dk", call.k()), new Spread()).contains("overlaps"));
    }

    // Structs

    @Test
    void structsHoldWhatTheCallSays() {
        var call = examples.loraLinear();
        var places = new Spread();
        try (var arena = Arena.ofConfined()) {
            var struct = encode(call, places, arena);
            var projection = sartor_lora_linear.projections(struct, 0);
            assertEquals(1, sartor_lora_linear.projection_count(struct));
            assertEquals(places.of(call.x().storage(), 0, 0, false), sartor_lora_linear.x(struct));
            assertEquals(places.of(call.projections().getFirst().h().storage(), 0, 0, false), sartor_projection.h(projection));
            assertEquals(places.of(call.rng().storage(), 0, 0, false), sartor_lora_linear.rng(struct));
            assertEquals(KernelExamples.ROWS, sartor_lora_linear.rows(struct));
            assertEquals(KernelExamples.RANK, sartor_projection.rank(projection));
            assertEquals(2f, sartor_projection.scaling(projection));
            assertEquals(0.1f, sartor_lora_linear.dropout(struct));
            assertEquals(3, sartor_lora_linear.site(struct));
            var weight = sartor_projection.weight(projection);
            assertEquals(KernelExamples.OUT, sartor_weight.rows(weight));
            assertEquals(KernelExamples.IN, sartor_weight.columns(weight));
            assertEquals(sartor_h.SARTOR_PACKED(), sartor_weight.layout(weight));
        }
    }

    @Test
    void fusedMatricesKeepTheirStrides() {
        var call = examples.attentionBackward();
        try (var arena = Arena.ofConfined()) {
            var struct = encode(call, new Spread(), arena);
            assertEquals(64, sartor_attention_backward.k(struct).address() - sartor_attention_backward.q(struct).address());
            assertEquals(96, sartor_attention_backward.dv(struct).address() - sartor_attention_backward.dq(struct).address());
            assertEquals(32, sartor_attention_backward.q_stride(struct));
            assertEquals(32, sartor_attention_backward.dv_stride(struct));
            assertEquals(2, sartor_attention_backward.batch(struct));
            assertEquals(3, sartor_attention_backward.query_length(struct));
            assertEquals(3, sartor_attention_backward.key_length(struct));
            assertEquals(4, sartor_attention_backward.heads(struct));
            assertEquals(2, sartor_attention_backward.kv_heads(struct));
        }
    }

    @Test
    void absentArgumentsAreNullAndPlannedOnesAreNot() {
        var call = examples.loraLinear();
        try (var arena = Arena.ofConfined()) {
            var struct = encode(with(call, "bias", null), Addresses.UNPLACED, arena);
            var projection = sartor_lora_linear.projections(struct, 0);
            assertEquals(MemorySegment.NULL, sartor_projection.bias(projection));
            assertNotEquals(0, sartor_lora_linear.x(struct).address());
            assertNotEquals(0, sartor_weight.data(sartor_projection.weight(projection)).address());
        }
    }

    @Test
    void theLibraryHasEveryKernel() {
        assertEquals(Set.of(), Operations.of(CpuLibrary.load()).missing());
    }

    @Test
    void everyOpHasOneKernel() {
        var kernels = Set.of(Kernel.class.getPermittedSubclasses());
        assertEquals(kernels, Operation.all().keySet());
        assertEquals(sartor_h.SARTOR_OP_COUNT(), Operation.all().size());
        assertEquals(sartor_h.SARTOR_OP_COUNT(),
                Operation.all().values().stream().map(Operation::code).distinct().count());
        assertFalse(Operation.all().values().stream().anyMatch(o -> o.code() < 0 || o.code() >= sartor_h.SARTOR_OP_COUNT()));
    }
}
