package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.QuantType;
import dev.sartor.model.Recompute;
import dev.sartor.optim.AdamW;
import dev.sartor.optim.AdamW8Bit;
import dev.sartor.peft.TinyModels;
import dev.sartor.peft.lora.Lora;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is planned from shapes is what a run then allocates. */
class MemoryPlanTest {
    @TempDir
    Path temporary;

    @ParameterizedTest
    @CsvSource({"llama,FLOAT32,true,", "llama,BFLOAT16,true,", "qwen2,FLOAT32,true,", "gpt2,FLOAT32,true,", "mixtral,FLOAT32,true,", "qwen2_moe,BFLOAT16,true,NF4",
        "qwen2_moe,FLOAT32,false,", "glm4_moe,BFLOAT16,true,INT8", "glm4_moe,FLOAT32,false,", "gpt_oss,FLOAT32,true,FP4", "llama,FLOAT32,false,",
        "llama,BFLOAT16,true,NF4", "gpt2,FLOAT32,true,FP4", "qwen2,BFLOAT16,true,INT8"})
    void plannedIsAllocated(String name, DType dtype, boolean adapter, QuantType quantized) throws IOException {
        try (var device = CpuDevice.open(2)) {
            var directory = TinyModels.weights(device, temporary, name, DType.FLOAT32);
            var lora = adapter ? Lora.rank(4).allLinear().dropout(0.1).build() : null;
            var options = new TrainingSetup.Options(
                    directory, dtype, quantized == null ? null : QuantizationConfig.of(quantized, quantized == QuantType.NF4), lora, 1,
                    TrainingSetup.Start.FILES);
            var arguments = TinyRun.arguments(2, 1, 2, 1, 0);
            long before = device.allocatedBytes();
            var plan = MemoryPlan.of(device, options, arguments, 2, TinyRun.LENGTH);
            assertEquals(before, device.allocatedBytes(), "planning allocates nothing");
            try (var setup = new TrainingSetup(device, options);
                    var trainer = new Trainer(setup.model(), setup.trainee(), setup.random(), arguments, TinyRun.packed(9, 2, 1),
                            List.of(), temporary, new TrainingListener() {})) {
                trainer.run();
                assertEquals(plan.bytes() - plan.mapped(), device.allocatedBytes() - before);
                assertEquals(plan.mapped(), setup.model().mappedBytes());
                assertEquals(plan.parameters(), setup.trainedParameters());
                assertTrue(plan.activations() > 0 && plan.optimizer() > 2 * 4 * plan.parameters(), plan.toString());
            }
            assertEquals(before, device.allocatedBytes(), "everything is freed");
        }
    }

    /** Of the moments of a large tensor, 8 bits and a scale for 256 of them; of a small one, 32 bits. */
    @Test
    void optimizerStateIsCounted() throws IOException {
        try (var device = CpuDevice.open(2)) {
            var directory = TinyModels.weights(device, temporary, "llama", DType.FLOAT32);
            var options = new TrainingSetup.Options(
                    directory, DType.FLOAT32, Lora.rank(256).allLinear().build(), 1, TrainingSetup.Start.FILES);
            long saved = 0;
            long small = 0;
            long bytes = 0;
            try (var setup = new TrainingSetup(device, options)) {
                for (var each : setup.trainee().trained()) {
                    long elements = each.value().shape().elements();
                    bytes += 8 * elements;
                    small += elements < 4096 ? 1 : 0;
                    saved += elements < 4096 ? 0 : 8 * elements - 2 * elements - 8 * ((elements + 255) / 256);
                }
            }
            assertTrue(saved > 0, small + " small tensors, and no large one");
            var adamW = AdamW.Settings.defaults();
            var in32 = plan(device, options, OptimizerArguments.of(adamW));
            var in8 = plan(device, options, OptimizerArguments.of(new AdamW8Bit.Settings(adamW)));
            assertEquals(saved, in32.optimizer() - in8.optimizer());
            var mapped = plan(device, options, new OptimizerArguments(adamW, 1, temporary));
            assertEquals(0, in32.optimizerFile());
            assertEquals(bytes, mapped.optimizerFile());
            assertEquals(bytes, in32.bytes() - mapped.bytes());
        }
    }

    private MemoryPlan plan(CpuDevice device, TrainingSetup.Options options, OptimizerArguments optim) throws IOException {
        var arguments = TinyRun.arguments(2, 1, 2, 1, 0, Recompute.NONE, LearningRate.Schedule.CONSTANT, optim);
        var plan = MemoryPlan.of(device, options, arguments, 2, TinyRun.LENGTH);
        long before = device.allocatedBytes();
        try (var setup = new TrainingSetup(device, options);
                var trainer = new Trainer(setup.model(), setup.trainee(), setup.random(), arguments, TinyRun.packed(9, 2, 1),
                        List.of(), temporary, new TrainingListener() {})) {
            trainer.run();
            assertEquals(plan.bytes() - plan.mapped(), device.allocatedBytes() - before);
            assertEquals(plan.optimizerFile(), trainer.stateFileBytes());
        }
        assertEquals(before, device.allocatedBytes(), "everything is freed");
        return plan;
    }
}
