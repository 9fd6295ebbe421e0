package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.Devices;
import dev.sartor.data.Batch;
import dev.sartor.data.Sample;
import dev.sartor.device.QuantType;
import dev.sartor.io.AtomicFiles;
import dev.sartor.io.FormatException;
import dev.sartor.io.OutputDirectory;
import dev.sartor.io.Safetensors;
import dev.sartor.model.QuantizedModelWriter;
import dev.sartor.model.Recompute;
import dev.sartor.optim.Adafactor;
import dev.sartor.optim.AdamW;
import dev.sartor.optim.AdamW8Bit;
import dev.sartor.optim.Lion;
import dev.sartor.optim.Muon;
import dev.sartor.optim.OptimizerSettings;
import dev.sartor.optim.ScheduleFreeAdamW;
import dev.sartor.peft.lora.Lora;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A run that was stopped and resumed equals one that never stopped, bit for bit: values, moments and losses. */
class ResumeTest {
    private static final long STEPS = 6;

    @TempDir
    Path temporary;

    private Path model;

    @BeforeEach
    void makeModel() throws IOException {
        model = TinyRun.model(temporary);
    }

    /** The same data from its second step on. */
    private record Later(TrainingData data) implements TrainingData {
        @Override
        public long stepsPerEpoch() {
            return data.stepsPerEpoch();
        }

        @Override
        public List<Batch> step(long step) {
            return data.step(step + 1);
        }
    }

    private TinyRun run(String device, boolean adapter, Path output) throws IOException {
        LoraConfig lora = adapter ? Lora.rank(4).allLinear().dropout(0.3).build() : null;
        return new TinyRun(device, model, lora, TinyRun.arguments(2, 2, STEPS, 0.5, 2), TinyRun.packed(17, 2, 2),
                TinyRun.evaluation(), output);
    }

    @ParameterizedTest
    @CsvSource({"reference,true", "cpu,true", "cpu,false"})
    void resumedEqualsUninterrupted(String device, boolean adapter) throws IOException {
        var whole = temporary.resolve("whole");
        var parts = temporary.resolve("parts");
        double[] losses;
        try (var run = run(device, adapter, whole)) {
            assertFalse(run.trainer.run().stopped());
            losses = run.progress.stream().mapToDouble(TrainingListener.Progress::loss).toArray();
            assertEquals(STEPS, losses.length);
            assertTrue(run.trainer.totalSteps() > run.progress.getFirst().epoch(), "more than one epoch");
        }
        // Stopped in the middle of an epoch, at a step that save_steps does not name.
        try (var run = run(device, adapter, parts).stopAfter(3)) {
            var result = run.trainer.run();
            assertTrue(result.stopped());
            assertEquals(3, result.steps());
        }
        assertEquals(parts.resolve("checkpoint-3"), Checkpoint.latest(parts).orElseThrow());
        try (var run = run(device, adapter, parts)) {
            run.trainer.resume(parts.resolve("checkpoint-3"));
            assertFalse(run.trainer.run().stopped());
            for (int i = 0; i < run.progress.size(); i++) {
                assertEquals(losses[3 + i], run.progress.get(i).loss(), "loss of step " + (4 + i));
            }
        }
        for (var file : new String[] {"state.safetensors", "trainer_state.json"}) {
            assertEquals(-1, Files.mismatch(whole.resolve("checkpoint-6").resolve(file), parts.resolve("checkpoint-6").resolve(file)),
                    file);
        }
        assertTrue(Files.mismatch(whole.resolve("checkpoint-4/state.safetensors"), whole.resolve("checkpoint-6/state.safetensors")) >= 0);
    }

    /** Every optimizer, with recomputation; its state in memory or in a mapped file, which must not matter either. */
    @ParameterizedTest
    @MethodSource("optimizers")
    void resumedEqualsUninterruptedWith(OptimizerSettings settings) throws IOException {
        resumedEqualsUninterrupted((stateDirectory, output) -> run(settings, stateDirectory, output));
    }

    /** QLoRA with all that saves memory: a base of 4 bits, moments of 8 in a mapped file, recomputation. */
    @ParameterizedTest
    @CsvSource({"NF4,true,BFLOAT16", "FP4,false,FLOAT32", "INT8,false,BFLOAT16"})
    void resumedEqualsUninterruptedOnAQuantizedBase(QuantType type, boolean doubleQuant, DType dtype) throws IOException {
        var arguments = new AdamW8Bit.Settings(new AdamW.Settings(0.9f, 0.99f, 1e-4f, 0.01f));
        resumedEqualsUninterrupted((stateDirectory, output) -> new TinyRun("cpu", model, dtype, QuantizationConfig.of(type, doubleQuant),
                wide(), arguments(arguments, stateDirectory), TinyRun.packed(17, 2, 2), TinyRun.evaluation(), output));
    }

    /** Makes a run whose optimizer state lies in a file of a directory, or in memory for null. */
    private interface Maker {
        TinyRun make(Path stateDirectory, Path output) throws IOException;
    }

    private void resumedEqualsUninterrupted(Maker maker) throws IOException {
        var whole = temporary.resolve("whole");
        var parts = temporary.resolve("parts");
        float[] values;
        try (var run = maker.make(null, whole)) {
            assertFalse(run.trainer.run().stopped());
            values = run.values();
            assertEquals(0, run.trainer.stateFileBytes());
        }
        for (int stop = 1; stop < STEPS; stop += 2) {
            try (var run = maker.make(stop == 3 ? null : temporary, parts).stopAfter(stop)) {
                assertTrue(run.trainer.run().stopped());
            }
            try (var run = maker.make(stop == 1 ? null : temporary, parts)) {
                run.trainer.resume(parts.resolve("checkpoint-" + stop));
                assertFalse(run.trainer.run().stopped());
                assertArrayEquals(values, run.values(), "stopped after " + stop);
                assertEquals(stop == 1, run.trainer.stateFileBytes() == 0);
            }
            for (var file : List.of("state.safetensors", "trainer_state.json", "adapter_model.safetensors")) {
                assertEquals(-1, Files.mismatch(whole.resolve("checkpoint-6").resolve(file), parts.resolve("checkpoint-6").resolve(file)),
                        file + ", stopped after " + stop);
            }
            AtomicFiles.deleteTree(parts);
        }
        try (var files = Files.list(temporary)) {
            assertTrue(files.noneMatch(file -> file.toString().endsWith(".state")), "mapped files are gone");
        }
    }

    static Stream<OptimizerSettings> optimizers() {
        var adamW = new AdamW.Settings(0.9f, 0.99f, 1e-4f, 0.01f);
        return Stream.of(adamW, new AdamW8Bit.Settings(adamW), new Lion.Settings(0.9f, 0.99f, 0.01f),
                new Adafactor.Settings(1e-30f, 1e-3f, 1, -0.8f, 0.01f, true, true, false), Muon.Settings.of(adamW),
                new ScheduleFreeAdamW.Settings(0.9f, 0.99f, 1e-4f, 0.01f, 0, 2));
    }

    /** Matrices of 4096 elements, so that 8-bit moments are of 8 bits. */
    private static LoraConfig wide() {
        return Lora.rank(256).allLinear().dropout(0.3).build();
    }

    private static TrainingArguments arguments(OptimizerSettings settings, Path stateDirectory) {
        var schedule = settings instanceof ScheduleFreeAdamW.Settings ? LearningRate.Schedule.CONSTANT : LearningRate.Schedule.COSINE;
        return TinyRun.arguments(2, 2, STEPS, 0.5, 2, Recompute.BLOCKS, schedule, new OptimizerArguments(settings, 4, stateDirectory));
    }

    private TinyRun run(OptimizerSettings settings, Path stateDirectory, Path output) throws IOException {
        return new TinyRun("cpu", model, wide(), arguments(settings, stateDirectory), TinyRun.packed(17, 2, 2), TinyRun.evaluation(), output);
    }

    /** A checkpoint of schedule-free AdamW holds the average for others, and what is trained for itself. */
    @Test
    void scheduleFreeSavesTheAverage() throws IOException {
        var settings = new ScheduleFreeAdamW.Settings(0.9f, 0.99f, 1e-4f, 0.01f, 0, 2);
        var output = temporary.resolve("out");
        try (var run = run(settings, null, output)) {
            run.trainer.run();
            double loss = run.evaluations.getLast().loss();
            assertEquals(loss, run.trainer.evaluate().loss());
            run.setup.trainee().save(output);
            assertEquals(-1, Files.mismatch(output.resolve("adapter_model.safetensors"),
                    output.resolve("checkpoint-6/adapter_model.safetensors")));
            try (var adapter = Safetensors.open(output.resolve("adapter_model.safetensors"));
                    var state = Safetensors.open(output.resolve("checkpoint-6/state.safetensors"))) {
                var name = adapter.names().stream().filter(each -> each.contains("lora_B")).findFirst().orElseThrow();
                float[] x = adapter.floats(name);
                float[] y = state.floats("parameter." + name);
                float[] z = state.floats("z." + name);
                for (int i = 0; i < x.length; i++) {
                    assertEquals(y[i], 0.1f * z[i] + 0.9f * x[i], 1e-6f);
                }
                assertFalse(Arrays.equals(x, y));
            }
        }
    }

    /** The moments of 8 bits learn as well as those of 32. */
    @Test
    void eightBitsLearnLikeThirtyTwo() throws IOException {
        var adamW = new AdamW.Settings(0.9f, 0.999f, 1e-8f, 0);
        double[] losses = new double[2];
        for (var settings : List.of(adamW, new AdamW8Bit.Settings(adamW))) {
            var arguments = TinyRun.arguments(4, 1, 60, 1, 0, Recompute.NONE, LearningRate.Schedule.CONSTANT, OptimizerArguments.of(settings));
            try (var run = new TinyRun("cpu", model, Lora.rank(256).allLinear().build(), arguments, TinyRun.packed(17, 4, 1),
                    List.of(), temporary.resolve("out"))) {
                run.trainer.run();
                losses[settings == adamW ? 0 : 1] = run.progress.getLast().loss();
                assertTrue(run.progress.getLast().loss() < 0.75 * run.progress.getFirst().loss(), "it learned nothing: "
                        + run.progress.getFirst().loss() + " to " + run.progress.getLast().loss());
            }
        }
        assertTrue(losses[0] != losses[1]);
        assertEquals(losses[0], losses[1], 0.1, "last losses with 32 and with 8 bits");
    }

    @Test
    void aStateDirectoryThatCannotBeIsNamed() throws IOException {
        assertTrue(refusedIn("nowhere").endsWith("no such directory; make it, or name another"));
        Files.writeString(temporary.resolve("file"), "");
        assertTrue(refusedIn("file").endsWith("it is no directory; name one"));
    }

    private String refusedIn(String directory) {
        var refused = Assertions.assertThrows(IOException.class,
                () -> run(optimizers().findFirst().orElseThrow(), temporary.resolve(directory), temporary.resolve("out"))).getMessage();
        assertTrue(refused.startsWith("optim_state_dir: " + temporary.resolve(directory) + ": no file of "), refused);
        return refused;
    }

    /** The base is not in the checkpoint, so a run goes on with the same one only, wherever it lies. */
    @Test
    void resumesOnItsOwnBaseOnly() throws IOException {
        var int8 = QuantizationConfig.of(QuantType.INT8, false);
        var output = temporary.resolve("out");
        try (var run = on(model, int8, output).stopAfter(2)) {
            run.trainer.run();
        }
        var stored = temporary.resolve("stored");
        var other = TinyRun.model(Files.createDirectory(temporary.resolve("other")));
        try (var device = Devices.open("reference")) {
            QuantizedModelWriter.write(device, model, OutputDirectory.of(stored, false), int8, 1L << 30);
        }
        var weights = other.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        Files.write(weights, bytes);
        for (var wrong : List.of(stored, other)) {
            try (var run = on(wrong, int8, output)) {
                var refused = Assertions.assertThrows(FormatException.class, () -> run.trainer.resume(output.resolve("checkpoint-2")));
                assertTrue(refused.getMessage().contains("base "), refused.getMessage());
            }
        }
        var moved = Files.move(model, temporary.resolve("moved"));
        try (var run = on(moved, int8, output)) {
            run.trainer.resume(output.resolve("checkpoint-2"));
            assertEquals(2, run.trainer.step());
        }
    }

    /** One token anywhere makes other data of them, not only one that the first step sees. */
    @Test
    void resumesOnItsOwnDataOnly() throws IOException {
        var output = temporary.resolve("out");
        var samples = TinyRun.samples(17);
        try (var run = on(samples, output).stopAfter(2)) {
            run.trainer.run();
        }
        for (int i = 0; i < samples.size(); i++) {
            var changed = new ArrayList<>(samples);
            int[] ids = samples.get(i).ids().clone();
            ids[ids.length - 1] ^= 1;
            changed.set(i, new Sample(ids, samples.get(i).labels()));
            try (var run = on(changed, output)) {
                var refused = Assertions.assertThrows(FormatException.class, () -> run.trainer.resume(output.resolve("checkpoint-2")));
                assertTrue(refused.getMessage().contains("other settings or data"), refused.getMessage());
            }
        }
        try (var run = on(samples, output)) {
            run.trainer.resume(output.resolve("checkpoint-2"));
            assertEquals(2, run.trainer.step());
        }
    }

    private TinyRun on(List<Sample> samples, Path output) throws IOException {
        return new TinyRun("reference", model, Lora.rank(4).allLinear().build(), TinyRun.arguments(2, 2, STEPS, 0.5, 2),
                TinyRun.packed(samples, 2, 2), TinyRun.evaluation(), output);
    }

    private static TinyRun on(Path base, QuantizationConfig quantization, Path output) throws IOException {
        return new TinyRun("reference", base, DType.FLOAT32, quantization, Lora.rank(4).allLinear().build(),
                TinyRun.arguments(2, 2, STEPS, 0.5, 2), TinyRun.packed(17, 2, 2), TinyRun.evaluation(), output);
    }

    @Test
    void loraPlusNeedsLora() {
        var refused = Assertions.assertThrows(IllegalArgumentException.class, () -> new TinyRun("cpu", model, null,
                TinyRun.arguments(2, 2, STEPS, 0.5, 2, Recompute.NONE, LearningRate.Schedule.COSINE,
                        new OptimizerArguments(AdamW.Settings.defaults(), 16, null)),
                TinyRun.packed(17, 2, 2), TinyRun.evaluation(), temporary));
        assertTrue(refused.getMessage().startsWith("loraplus_lr_ratio: expected a LoRA adapter"), refused.getMessage());
    }

    @Test
    void scheduleFreeWantsNoSchedule() {
        var settings = new ScheduleFreeAdamW.Settings(0.9f, 0.99f, 1e-4f, 0.01f, 0, 2);
        var refused = Assertions.assertThrows(IllegalArgumentException.class, () -> TinyRun.arguments(
                2, 2, STEPS, 0.5, 2, Recompute.NONE, LearningRate.Schedule.COSINE, OptimizerArguments.of(settings)));
        assertTrue(refused.getMessage().startsWith("lr_scheduler_type: expected constant"), refused.getMessage());
        var taken = TrainingArguments.defaults().withOptim(OptimizerArguments.of(settings));
        assertEquals(LearningRate.Schedule.CONSTANT, taken.lrSchedulerType());
        assertEquals(settings, taken.optim().settings());
    }

    @Test
    void resumesOnlyItsOwnKind() throws IOException {
        var output = temporary.resolve("out");
        try (var run = run("reference", true, output).stopAfter(2)) {
            run.trainer.run();
        }
        LoraConfig lora = Lora.rank(4).allLinear().dropout(0.3).build();
        try (var other = new TinyRun("reference", model, lora, TinyRun.arguments(2, 2, STEPS, 0.7, 2), TinyRun.packed(17, 2, 2),
                TinyRun.evaluation(), output)) {
            var refused = Assertions.assertThrows(FormatException.class, () -> other.trainer.resume(output.resolve("checkpoint-2")));
            assertTrue(refused.getMessage().contains("other settings or data"), refused.getMessage());
            assertTrue(refused.getMessage().contains("norm up to 0.5") && refused.getMessage().contains("norm up to 0.7"),
                    refused.getMessage());
        }
        try (var other = new TinyRun("reference", model, lora, TinyRun.arguments(2, 2, STEPS, 0.5, 2),
                new Later(TinyRun.packed(17, 2, 2)), TinyRun.evaluation(), output)) {
            Assertions.assertThrows(FormatException.class, () -> other.trainer.resume(output.resolve("checkpoint-2")));
        }
        LoraConfig wider = Lora.rank(8).allLinear().dropout(0.3).build();
        try (var other = new TinyRun("reference", model, wider, TinyRun.arguments(2, 2, STEPS, 0.5, 2), TinyRun.packed(17, 2, 2),
                TinyRun.evaluation(), output)) {
            Assertions.assertThrows(FormatException.class, () -> other.trainer.resume(output.resolve("checkpoint-2")));
        }
    }
}
