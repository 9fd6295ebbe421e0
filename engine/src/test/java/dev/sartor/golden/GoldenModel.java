package dev.sartor.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.io.Safetensors;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.nn.Linear;
import dev.sartor.tape.Parameter;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.BatchLoss;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.LossProgram;
import dev.sartor.data.Batch;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DynamicTest;

/** Logits, loss and every parameter's gradient of whole models against Transformers. */
final class GoldenModel {
    private GoldenModel() {}

    /** The cases of one model directory on one device. */
    static List<DynamicTest> cases(Path family, GoldenDevices device) {
        var tests = new ArrayList<DynamicTest>();
        var name = family.getFileName() + " on " + device.name();
        tests.add(DynamicTest.dynamicTest(name + ": logits and loss", () -> device.use(d -> logitsAndLoss(d, family))));
        for (var recompute : Recompute.values()) {
            tests.add(DynamicTest.dynamicTest(name + ": gradients, recompute " + recompute,
                    () -> device.use(d -> gradients(d, family, recompute))));
        }
        return tests;
    }

    private static void logitsAndLoss(Device device, Path family) throws IOException {
        try (var golden = Safetensors.open(family.resolve("golden.safetensors"));
                var model = LanguageModel.open(device, family, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            var batch = batch(golden, model);
            var logits = new LogitsProgram(model, state, workspace, batch.rows(), batch.length()).run(batch);
            assertClose("logits", golden.floats("logits"), logits, 1e-4);
            var program = new LossProgram(model, workspace, batch.rows(), batch.length(), false, Recompute.NONE);
            assertEquals(golden.floats("loss")[0], program.run(batch, 1).mean(batch.learnedTokens()), 1e-5, "loss");
            assertAuxLoss(golden, program.run(batch, 1));
        }
    }

    private static void gradients(Device device, Path family, Recompute recompute) throws IOException {
        try (var golden = Safetensors.open(family.resolve("golden.safetensors"));
                var model = LanguageModel.open(device, family, DType.FLOAT32, true);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device)) {
            var batch = batch(golden, model);
            var program = new LossProgram(model, workspace, batch.rows(), batch.length(), true, recompute);
            var loss = program.run(batch, 1f / batch.learnedTokens());
            assertEquals(golden.floats("loss")[0], loss.mean(batch.learnedTokens()), 1e-5, "loss");
            assertAuxLoss(golden, loss);
            var transposed = transposed(model);
            int checked = 0;
            for (var parameter : model.parameters()) {
                var key = "grad." + parameter.name();
                if (golden.contains(key)) {
                    assertGradient(golden, key, device, parameter, transposed.contains(parameter.name()));
                    checked++;
                }
            }
            long expected = golden.names().stream().filter(name -> name.startsWith("grad.")).count();
            assertEquals(expected, checked, "gradients compared");
        }
    }

    private static void assertAuxLoss(Safetensors golden, BatchLoss loss) throws IOException {
        if (golden.contains("aux_loss")) {
            assertEquals(golden.floats("aux_loss")[0], loss.routers().auxLoss(), 1e-5, "load-balancing loss");
        }
    }

    static Batch batch(Safetensors golden, LanguageModel model) throws IOException {
        var shape = golden.spec("input_ids").shape();
        return TransformersBatch.of((int) shape.dim(0), (int) shape.dim(1), golden.ints("input_ids"),
                golden.ints("attention_mask"), golden.ints("labels"), model.config().window());
    }

    private static void assertGradient(
            Safetensors golden, String key, Device device, Parameter parameter, boolean turned) throws IOException {
        var expected = golden.floats(key);
        var actual = Eager.floats(device, parameter.gradient());
        if (turned) {
            var stored = golden.spec(key).shape();
            actual = transposed(actual, (int) stored.dim(1), (int) stored.dim(0));
        }
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - actual[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        double relative = Math.sqrt(difference / norm);
        assertTrue(relative < 1e-4, () -> key + " differs by " + relative + " of its norm");
    }

    /** Names of parameters that the checkpoint stores as [in, out]. */
    private static Set<String> transposed(LanguageModel model) {
        return model.lm().blockLinears().stream()
                .filter(Linear::isTransposed)
                .map(linear -> linear.weight().name())
                .collect(Collectors.toSet());
    }

    /** [rows, columns] to [columns, rows]. */
    private static float[] transposed(float[] values, int rows, int columns) {
        var turned = new float[values.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                turned[c * rows + r] = values[r * columns + c];
            }
        }
        return turned;
    }

    static void assertClose(String what, float[] expected, float[] actual, double tolerance) {
        assertEquals(expected.length, actual.length, what);
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            worst = Math.max(worst, Math.abs(expected[i] - actual[i]));
        }
        assertTrue(worst < tolerance, what + ": largest difference " + worst);
    }
}
