package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.QuantType;
import dev.sartor.model.Recompute;
import dev.sartor.peft.TinyModels;
import dev.sartor.peft.lora.Lora;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FitTableTest {
    @TempDir
    Path temporary;

    /** Every cell of the table is what the plan of that very run says, in shapes that align and in others. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "gpt2", "qwen2_moe", "gpt_oss"})
    void cellsAreExact(String family) throws IOException {
        try (var device = CpuDevice.open(2)) {
            var model = TinyModels.weights(device, temporary, family, DType.FLOAT32);
            var lora = Lora.rank(4).allLinear().build();
            var dora = Lora.rank(3).allLinear().dora().dropout(0.1).build();
            var methods = List.of(method("full", model, null), method("LoRA", model, lora), quantized("nf4", model, QuantType.NF4, false, lora),
                    quantized("nf4+dq", model, QuantType.NF4, true, lora), quantized("int8", model, QuantType.INT8, false, lora),
                    method("DoRA", model, dora), quantized("DoRA nf4", model, QuantType.NF4, false, dora), skipping("nf4, some dense", model, family.equals("gpt2") ? "c_fc" : "q_proj", lora));
            var shapes = IntStream.of(5, 16, 32, 48).boxed()
                    .flatMap(length -> IntStream.of(1, 2, 3).mapToObj(rows -> new BatchShape(rows, length))).toList();
            var arguments = TrainingArguments.defaults();
            var cells = FitTable.of(device, methods, arguments, shapes);
            assertEquals(methods.size() * shapes.size() * Recompute.values().length, cells.size());
            for (var cell : cells) {
                var options = methods.stream().filter(each -> each.name().equals(cell.method())).findFirst().orElseThrow().options();
                assertEquals(MemoryPlan.of(device, options, arguments.withRecompute(cell.recompute()), cell.shape(), Optional.empty()),
                        cell.plan(), cell.toString());
            }
        }
    }

    private static FitTable.Method method(String name, Path model, Record adapter) {
        return new FitTable.Method(name, new TrainingSetup.Options(model, DType.BFLOAT16, adapter, 1, TrainingSetup.Start.FILES));
    }

    private static FitTable.Method quantized(String name, Path model, QuantType type, boolean doubleQuant, Record adapter) {
        return new FitTable.Method(name, new TrainingSetup.Options(
                model, DType.BFLOAT16, QuantizationConfig.of(type, doubleQuant), adapter, 1, TrainingSetup.Start.FILES));
    }

    /** Layers of the same size, of which some are quantized and others not. */
    private static FitTable.Method skipping(String name, Path model, String skipped, Record adapter) {
        return new FitTable.Method(name, new TrainingSetup.Options(model, DType.BFLOAT16,
                QuantizationConfig.of(QuantType.NF4, false).skipping(List.of(skipped)), adapter, 1, TrainingSetup.Start.FILES));
    }

    /** The least recomputation that fits is taken, and the most where nothing fits. */
    @Test
    void recomputationFollowsMemory() throws IOException {
        try (var device = CpuDevice.open(2)) {
            var model = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
            var options = method("LoRA", model, Lora.rank(4).allLinear().build()).options();
            var arguments = TrainingArguments.defaults();
            var shape = new BatchShape(4, 64);
            var sizes = IntStream.range(0, Recompute.values().length).mapToLong(level -> bytes(device, options,
                    arguments.withRecompute(Recompute.values()[level]), shape)).toArray();
            for (var level : Recompute.values()) {
                int i = level.ordinal();
                assertTrue(i == 0 || sizes[i] < sizes[i - 1]);
                var fitted = MemoryPlan.fitting(device, options, arguments, shape, Optional.empty(), sizes[i]);
                assertEquals(level, fitted.recompute());
                assertEquals(sizes[i], fitted.plan().bytes());
                assertEquals(i, fitted.rejected().size());
            }
            var none = MemoryPlan.fitting(device, options, arguments, shape, Optional.empty(), sizes[sizes.length - 1] - 1);
            assertEquals(Recompute.most(), none.recompute());
            // Evaluation on a larger batch is planned, too.
            var evaluating = MemoryPlan.of(device, options, arguments.withRecompute(Recompute.BLOCKS), shape,
                    Optional.of(new BatchShape(64, 64)));
            assertTrue(evaluating.activations() > none.plan().activations());
        }
    }

    private static long bytes(CpuDevice device, TrainingSetup.Options options, TrainingArguments arguments, BatchShape shape) {
        try {
            return MemoryPlan.of(device, options, arguments, shape, Optional.empty()).bytes();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
