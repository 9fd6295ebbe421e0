package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.data.Batch;
import dev.sartor.data.Collator;
import dev.sartor.device.Eager;
import dev.sartor.model.Recompute;
import dev.sartor.peft.lora.Lora;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training mixtures of experts: routers' losses, noise, capacity, balancing, and what is told of their loads. */
class MixtureTest {
    private static final long STEPS = 4;

    @TempDir
    Path temporary;

    private static RouterArguments routers(Boolean losses, Double aux, Double z, Double jitter, Double capacity, Double rate) {
        return new RouterArguments(Optional.ofNullable(losses), Optional.ofNullable(aux), Optional.ofNullable(z),
                Optional.ofNullable(jitter), Optional.ofNullable(capacity), Optional.ofNullable(rate));
    }

    private TinyRun run(String device, String family, LoraConfig adapter, RouterArguments routers, Recompute recompute, Path output)
            throws IOException {
        var arguments = TinyRun.arguments(2, 2, STEPS, 0.5, 2, recompute);
        var options = new TrainingSetup.Options(TinyRun.model(temporary, family), DType.FLOAT32, null, adapter, arguments.seed(),
                TrainingSetup.Start.FILES, routers);
        return new TinyRun(device, options, arguments, TinyRun.packed(17, 2, 2), TinyRun.evaluation(), output);
    }

    private TinyRun run(String family, LoraConfig adapter, RouterArguments routers) throws IOException {
        return run("cpu", family, adapter, routers, Recompute.NONE, temporary.resolve("run"));
    }

    /** With noise, dropped tokens, both losses and biases that move, whatever is computed again. */
    @ParameterizedTest
    @CsvSource({"cpu,glm4_moe,false,NONE", "cpu,glm4_moe,false,BLOCKS", "reference,glm4_moe,false,NONE", "cpu,qwen2_moe,true,CHEAP_OPS",
        "cpu,gpt_oss,false,BLOCKS"})
    void resumedEqualsUninterrupted(String device, String family, boolean adapter, Recompute recompute) throws IOException {
        var lora = adapter ? Lora.rank(4).allLinear().dropout(0.3).build() : null;
        var routers = routers(true, 0.02, 0.01, 0.1, 1.25, family.equals("glm4_moe") ? 0.05 : null);
        var whole = temporary.resolve("whole");
        var parts = temporary.resolve("parts");
        try (var run = run(device, family, lora, routers, recompute, whole)) {
            run.trainer.run();
        }
        try (var run = run(device, family, lora, routers, recompute, parts).stopAfter(3)) {
            assertTrue(run.trainer.run().stopped());
        }
        try (var run = run(device, family, lora, routers, recompute, parts)) {
            run.trainer.resume(parts.resolve("checkpoint-3"));
            run.trainer.run();
        }
        for (var file : new String[] {"state.safetensors", "trainer_state.json"}) {
            assertEquals(-1, Files.mismatch(whole.resolve("checkpoint-4").resolve(file), parts.resolve("checkpoint-4").resolve(file)), file);
        }
        assertTrue(Files.mismatch(whole.resolve("checkpoint-2/state.safetensors"), whole.resolve("checkpoint-4/state.safetensors")) >= 0);
    }

    /** Recomputation changes no bit, though blocks draw their noise again. */
    @Test
    void recomputationChangesNothing() throws IOException {
        var routers = routers(true, 0.02, 0.01, 0.1, 1.25, 0.05);
        float[] expected = null;
        for (var recompute : Recompute.values()) {
            try (var run = run("cpu", "glm4_moe", null, routers, recompute, temporary.resolve(recompute.toString()))) {
                run.trainer.run();
                float[] values = run.values();
                assertArrayEquals(expected == null ? values : expected, values, recompute.toString());
                expected = values;
            }
        }
    }

    /** A resumed run must not have other routers. */
    @Test
    void resumingAsksForTheSameRouters() throws IOException {
        try (var run = run("mixtral", null, routers(true, 0.02, null, null, null, null)).stopAfter(2)) {
            run.trainer.run();
        }
        try (var run = run("mixtral", null, routers(true, 0.03, null, null, null, null))) {
            var refused = assertThrows(IOException.class, () -> run.trainer.resume(temporary.resolve("run/checkpoint-2")));
            assertTrue(refused.getMessage().contains("routerAuxLossCoef=0.03"), refused.getMessage());
        }
    }

    @Test
    void loadsAreTold() throws IOException {
        try (var run = run("qwen2_moe", null, routers(true, null, null, null, null, null))) {
            run.trainer.run();
            // Two of three layers; in each step two batches of two rows, of which padding does not count.
            for (int step = 0; step < STEPS; step++) {
                var report = run.progress.get(step).routers().orElseThrow();
                assertEquals(List.of("model.layers.0.mlp", "model.layers.2.mlp"), report.layers().stream().map(ExpertLoad::layer).toList());
                long tokens = TinyRun.packed(17, 2, 2).step(step).stream().flatMapToInt(batch -> Arrays.stream(batch.attentionMask())).sum();
                assertTrue(tokens < 4 * TinyRun.LENGTH, "there is padding");
                for (var layer : report.layers()) {
                    assertEquals(tokens, layer.tokens());
                    assertEquals(2 * tokens, layer.assignments().stream().mapToDouble(each -> each).sum());
                    assertEquals(1, layer.shares().stream().mapToDouble(each -> each).sum(), 1e-9);
                    assertEquals(0, layer.dropped());
                    assertTrue(layer.entropy() > 0 && layer.entropy() <= Math.log(5), "entropy " + layer.entropy());
                    assertTrue(layer.largest() >= 1 && layer.largest() <= 2.5, "busiest " + layer.largest());
                }
                assertTrue(report.auxLoss() >= 1.5, "load balancing is about top_k where all is even: " + report.auxLoss());
            }
        }
    }

    @Test
    void aDenseModelTellsNothing() throws IOException {
        try (var run = run("llama", null, RouterArguments.NONE)) {
            run.trainer.run();
            assertTrue(run.progress.getFirst().routers().isEmpty());
        }
    }

    @Test
    void capacityDropsInTrainingOnly() throws IOException {
        double evaluated;
        try (var run = run("mixtral", null, routers(null, null, null, null, 0.5, null))) {
            run.trainer.run();
            var layers = run.progress.getFirst().routers().orElseThrow().layers();
            assertTrue(layers.stream().allMatch(layer -> layer.dropped() > 0 && layer.dropped() < 2 * layer.tokens()), layers.toString());
        }
        try (var run = run("mixtral", null, routers(null, null, null, null, 0.5, null))) {
            evaluated = run.trainer.evaluate().loss();
        }
        try (var run = run("mixtral", null, RouterArguments.NONE)) {
            assertEquals(run.trainer.evaluate().loss(), evaluated);
        }
    }

    /** The noise is of training alone, and another in each step. */
    @Test
    void jitterIsOfTrainingAlone() throws IOException {
        var batch = batch();
        try (var noisy = run("mixtral", null, routers(null, null, null, 0.3, null, null));
                var workspace = new Workspace(noisy.device)) {
            var model = noisy.setup.model();
            var training = new LossProgram(model, workspace, batch.rows(), batch.length(), true, Recompute.NONE);
            var evaluation = new LossProgram(model, workspace, batch.rows(), batch.length(), false, Recompute.NONE);
            noisy.setup.random().setStep(1);
            double first = training.run(batch, 0).sum();
            assertEquals(first, training.run(batch, 0).sum());
            noisy.setup.random().setStep(2);
            double second = training.run(batch, 0).sum();
            double exact = evaluation.run(batch, 0).sum();
            assertTrue(first != second && first != exact && second != exact, first + ", " + second + ", " + exact);
            assertEquals(exact, first, 0.5 * exact);
        }
    }

    private static Batch batch() {
        var samples = TinyRun.samples(2);
        return Collator.toLength(0, TinyRun.LENGTH).collate(List.of(List.of(samples.get(0)), List.of(samples.get(1))), 2);
    }

    /** The routers' losses of a step are those of its batches on average: one batch twice is the batch once. */
    @Test
    void accumulationDoesNotMultiplyRouterLosses() throws IOException {
        var routers = routers(true, 5.0, 1.0, null, null, null);
        float[] once = gradients(routers, 1);
        float[] twice = gradients(routers, 2);
        double largest = 0;
        for (int i = 0; i < once.length; i++) {
            assertEquals(once[i], twice[i], 1e-5);
            largest = Math.max(largest, Math.abs(once[i]));
        }
        assertTrue(largest > 0.01);
    }

    private float[] gradients(RouterArguments routers, int times) throws IOException {
        var batch = batch();
        try (var run = run("mixtral", null, routers); var workspace = new Workspace(run.device)) {
            var program = new LossProgram(run.setup.model(), workspace, batch.rows(), batch.length(), true, Recompute.NONE);
            for (int i = 0; i < times; i++) {
                program.run(batch, 1f / (times * batch.learnedTokens()), 1f / times);
            }
            var gate = run.setup.trainee().trained().stream().filter(each -> each.name().endsWith("0.mlp.gate.weight")).findFirst();
            return Eager.floats(run.device, gate.orElseThrow().gradient());
        }
    }

    /** An expert's bias falls by the rate where it had more than its share, rises where it had less, and loads even out. */
    @Test
    void biasesBalance() throws IOException {
        try (var run = run("glm4_moe", null, routers(null, null, null, null, null, 0.05))) {
            var bias = run.setup.model().lm().mixtures().getFirst().router().correctionBias().parameter().value();
            run.trainer.run();
            float[] expected = new float[8];
            for (var progress : run.progress) {
                double[] signs = progress.routers().orElseThrow().layers().getFirst().signs();
                for (int e = 0; e < 8; e++) {
                    expected[e] -= 0.05f * (float) signs[e];
                }
            }
            assertArrayEquals(expected, Eager.floats(run.device, bias), 1e-6f);
            assertTrue(expected[0] != 0, Arrays.toString(expected));
            double before = run.progress.getFirst().routers().orElseThrow().layers().getFirst().largest();
            double after = run.progress.getLast().routers().orElseThrow().layers().getFirst().largest();
            assertTrue(after < before, before + " to " + after);
        }
    }

    /** A router stays as it is under an adapter, unless it is one of the modules that are trained whole. */
    @ParameterizedTest
    @CsvSource({"false", "true"})
    void routersAreFrozenOrTrained(boolean trained) throws IOException {
        var lora = Lora.rank(2).allLinear();
        try (var run = run("mixtral", (trained ? lora.modulesToSave(List.of("mlp.gate")) : lora).build(), routers(true, 1.0, null, null, null, null))) {
            var gates = run.setup.trainee().trained().stream().filter(each -> each.name().contains("mlp.gate")).toList();
            assertEquals(trained ? 2 : 0, gates.size());
            float[][] before = gates.stream().map(each -> Eager.floats(run.device, each.value())).toArray(float[][]::new);
            run.trainer.run();
            for (int i = 0; i < before.length; i++) {
                assertFalse(Arrays.equals(before[i], Eager.floats(run.device, gates.get(i).value())), gates.get(i).name());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama     | true  | 0.1 |     | the model has no mixtures of experts
            mixtral   | false | 0.1 |     | router_aux_loss_coef: there is no load-balancing loss; add output_router_logits=true
            mixtral   | true  | -1  |     | router_aux_loss_coef: expected 0 or more, found -1
            mixtral   |       |     | 0.1 | has routers without e_score_correction_bias
            """)
    void whatCannotBeIsRefused(String family, Boolean losses, Double aux, Double rate, String message) {
        var refused = assertThrows(IllegalArgumentException.class, () -> run(family, null, routers(losses, aux, null, null, null, rate)).close());
        assertTrue(refused.getMessage().contains(message), refused.getMessage());
    }

    @Test
    void biasesOfAFrozenBaseStay() {
        var refused = assertThrows(IllegalArgumentException.class, () -> run(
                "glm4_moe", Lora.rank(2).allLinear().build(), routers(null, null, null, null, null, 0.1)).close());
        assertTrue(refused.getMessage().contains("train every weight (peft_type=none)"), refused.getMessage());
    }
}
