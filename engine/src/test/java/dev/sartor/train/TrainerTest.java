package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.data.Batches;
import dev.sartor.data.Collator;
import dev.sartor.data.Sample;
import dev.sartor.device.Eager;
import dev.sartor.model.Recompute;
import dev.sartor.optim.AdamW;
import dev.sartor.optim.Trained;
import dev.sartor.peft.lora.Lora;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
    private static final LoraConfig LORA = Lora.rank(4).allLinear().build();

    @TempDir
    Path temporary;

    private Path model;

    @BeforeEach
    void makeModel() throws IOException {
        model = TinyRun.model(temporary);
    }

    /** Every token weighs the same, however the batch is divided: rows learn between 1 and 11 tokens. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void accumulationWeighsTokens(String device) throws IOException {
        var rows = TinyRun.samples(8).stream().map(List::of).toList();
        var collator = Collator.toLength(0, TinyRun.LENGTH);
        assertTrue(rows.stream().mapToInt(row -> row.getFirst().learned()).distinct().count() > 3);
        try (var four = new TinyRun(device, model, LORA, TinyRun.arguments(4, 1, 2, 1, 0),
                        new BatchedData(Batches.inOrder(rows, 4, collator), 1), List.of(), temporary);
                var ones = new TinyRun(device, model, LORA, TinyRun.arguments(1, 4, 2, 1, 0),
                        new BatchedData(Batches.inOrder(rows, 1, collator), 4), List.of(), temporary)) {
            four.trainer.run();
            ones.trainer.run();
            for (int step = 0; step < 2; step++) {
                assertEquals(four.progress.get(step).loss(), ones.progress.get(step).loss(), 1e-5);
                assertEquals(1, ones.progress.get(step).gradientNorm() / four.progress.get(step).gradientNorm(), 1e-4);
                assertEquals(four.progress.get(step).learnedTokens(), ones.progress.get(step).learnedTokens());
            }
            assertArrayEquals(four.values(), ones.values(), 1e-4f);
        }
    }

    /** As torch.nn.utils.clip_grad_norm_ and one step of torch.optim.AdamW with an epsilon of 1. */
    @Test
    void clipsTheNorm() {
        try (var device = new ReferenceDevice(); var scope = new Scope(Scope.Kind.STATE, device); var arena = Arena.ofConfined()) {
            var value = scope.allocate(TensorSpec.of(DType.FLOAT32, 2));
            var gradient = scope.allocate(TensorSpec.of(DType.FLOAT32, 2));
            var trained = List.of(new Trained("w", value, gradient, true));
            for (double maximum : new double[] {1, 10, 0}) {
                device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0, 0), value);
                device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 3, -4), gradient);
                try (var update = new UpdateProgram(device, scope,
                        new AdamW(new AdamW.Settings(0.9f, 0.999f, 1, 0), trained, scope), trained, (float) maximum)) {
                    assertEquals(5, update.gradientNorm(), 1e-6);
                    update.step(0.1, 1);
                }
                float scale = maximum == 1 ? 0.2f : 1;
                float[] expected = {-0.1f * 3 * scale / (3 * scale + 1), 0.1f * 4 * scale / (4 * scale + 1)};
                assertArrayEquals(expected, Eager.floats(device, value), 1e-6f);
                assertArrayEquals(new float[2], Eager.floats(device, gradient));
            }
        }
    }

    /** The mean over all tokens of batches that differ in size, against log-softmax of the logits. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void evaluationIsTheMeanOverTokens(String device) throws IOException {
        var batches = TinyRun.evaluation();
        try (var run = new TinyRun(device, model, LORA, TinyRun.arguments(1, 1, 1, 1, 0), TinyRun.packed(4, 1, 1), batches, temporary);
                var workspace = new Workspace(run.device);
                var state = new Scope(Scope.Kind.STATE, run.device)) {
            double sum = 0;
            long tokens = 0;
            for (var batch : batches) {
                var logits = new LogitsProgram(run.setup.model(), state, workspace, batch.rows(), batch.length()).run(batch);
                for (int i = 0; i < batch.targets().length; i++) {
                    if (batch.targets()[i] != Sample.IGNORED) {
                        double total = 0;
                        for (int v = 0; v < 64; v++) {
                            total += Math.exp(logits[i * 64 + v]);
                        }
                        sum += Math.log(total) - logits[i * 64 + batch.targets()[i]];
                        tokens++;
                    }
                }
            }
            var evaluation = run.trainer.evaluate();
            assertEquals(tokens, evaluation.tokens());
            assertEquals(sum / tokens, evaluation.loss(), 1e-5);
            assertEquals(Math.exp(sum / tokens), evaluation.perplexity(), 1e-2);
        }
    }

    @Test
    void nothingLearnedIsSaid() throws IOException {
        int[] none = new int[5];
        java.util.Arrays.fill(none, Sample.IGNORED);
        var rows = List.of(List.of(new Sample(new int[] {1, 2, 3, 4, 5}, none)));
        var batches = Batches.inOrder(rows, 1, Collator.toLength(0, 8));
        try (var run = new TinyRun("reference", model, LORA, TinyRun.arguments(1, 1, 1, 1, 0), new BatchedData(batches, 1),
                batches.epoch(0), temporary)) {
            var refused = assertThrows(TrainingException.class, run.trainer::run);
            assertTrue(refused.getMessage().contains("no token of its batch is learned"), refused.getMessage());
            assertThrows(IllegalArgumentException.class, run.trainer::evaluate);
        }
    }

    /**
     * What is computed again gives the same bits as what is kept, dropout included, in less memory. Qwen3
     * has norms by head, behind which rotary positions are computed again too; DoRA's scaled columns are.
     */
    @ParameterizedTest
    @CsvSource({"reference, llama, false", "cpu, llama, false", "cpu, qwen3, true", "cpu, gpt2, false"})
    void recomputationChangesNoBit(String device, String family, boolean dora) throws IOException {
        var lora = Lora.rank(4).allLinear().dropout(0.3);
        var dropping = dora ? lora.dora().build() : lora.build();
        var directory = TinyRun.model(temporary.resolve(family), family);
        var values = new ArrayList<float[]>();
        var slabs = new ArrayList<Long>();
        for (var recompute : Recompute.values()) {
            try (var run = new TinyRun(device, directory, dropping, TinyRun.arguments(2, 2, 3, 1, 0, recompute),
                    TinyRun.packed(17, 2, 2), List.of(), temporary)) {
                run.trainer.run();
                values.add(run.values());
                var plan = run.trainer.plan(2, TinyRun.LENGTH);
                slabs.add(plan.slabBytes());
                assertTrue(plan.slabBytes() <= 1.1 * plan.leastBytes(), plan.slabBytes() + " for " + plan.leastBytes());
            }
        }
        for (int level = 1; level < values.size(); level++) {
            assertArrayEquals(values.getFirst(), values.get(level));
            assertTrue(slabs.get(level) < slabs.get(level - 1), slabs.toString());
        }
    }

    @Test
    void checkpointsAreWholeAndPruned() throws IOException {
        var output = temporary.resolve("out");
        Files.createDirectories(output.resolve(".checkpoint-99.partial"));
        Files.createDirectories(output.resolve("checkpoint-notes"));
        var arguments = new TrainingArguments(2, 1, 1e-3, LearningRate.Schedule.CONSTANT, 0, 0, OptimizerArguments.defaults(), 1, 1, 11,
                1, 0, 1, 3, 1, Recompute.NONE);
        try (var run = new TinyRun("cpu", model, LORA, arguments, TinyRun.packed(9, 2, 1), List.of(), output)) {
            run.trainer.run();
            for (int step = 1; step <= 8; step++) {
                assertTrue(Files.notExists(output.resolve("checkpoint-" + step)), "checkpoint-" + step);
            }
            for (int step = 9; step <= 11; step++) {
                assertTrue(Files.exists(output.resolve("checkpoint-" + step + "/adapter_model.safetensors")), "checkpoint-" + step);
            }
            assertEquals(output.resolve("checkpoint-11"), Checkpoint.latest(output).orElseThrow());
        }
        // A save that breaks half way leaves what stood there before.
        var state = new Checkpoint.TrainerState(11, 1, 1, StepLoss.NONE, "");
        var before = Files.readAllBytes(output.resolve("checkpoint-11/state.safetensors"));
        var broken = new Trainee() {
            @Override
            public String description() {
                return "broken";
            }

            @Override
            public List<Trained> trained() {
                return List.of();
            }

            @Override
            public void save(Path directory) throws IOException {
                Files.writeString(directory.resolve("half"), "half");
                throw new IOException("disk full");
            }
        };
        try (var device = new ReferenceDevice()) {
            assertThrows(IOException.class, () -> Checkpoint.save(output, state, broken, device, java.util.Map.of()));
        }
        assertArrayEquals(before, Files.readAllBytes(output.resolve("checkpoint-11/state.safetensors")));
        assertTrue(Files.notExists(output.resolve("checkpoint-11/half")));
    }
}
