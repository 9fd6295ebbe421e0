package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.device.QuantType;
import dev.sartor.peft.TinyModels;
import dev.sartor.peft.lora.Lora;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is planned from shapes is what a run then allocates. */
class MemoryPlanTest {
    @TempDir
    Path temporary;

    @ParameterizedTest
    @CsvSource({"llama,FLOAT32,true,", "llama,BFLOAT16,true,", "qwen2,FLOAT32,true,", "gpt2,FLOAT32,true,", "llama,FLOAT32,false,",
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
}
