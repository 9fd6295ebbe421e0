package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.data.Batch;
import dev.sartor.io.FormatException;
import dev.sartor.peft.lora.Lora;
import dev.sartor.peft.lora.LoraConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
