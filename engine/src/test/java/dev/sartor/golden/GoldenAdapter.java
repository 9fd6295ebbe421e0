package dev.sartor.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sartor.device.Device;
import dev.sartor.io.AdapterDirectory;
import dev.sartor.io.AtomicFiles;
import dev.sartor.io.Safetensors;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.Recompute;
import dev.sartor.nn.RandomStream;
import dev.sartor.optim.AdamW;
import dev.sartor.peft.Adapters;
import dev.sartor.peft.lora.LoraConfig;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.LossProgram;
import dev.sartor.train.TransformersBatch;
import dev.sartor.train.UpdateProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;

/**
 * Adapters as PEFT wrote them give PEFT's logits; trained from PEFT's initial values on its batches
 * they give all its losses and end where its ended.
 */
final class GoldenAdapter {
    private static final String NAME = "default";
    private static final int STEPS = 12;
    /** The settings in VERSIONS.json. */
    private static final double LEARNING_RATE = 1e-2;
    private static final AdamW.Settings SETTINGS = new AdamW.Settings(0.9f, 0.999f, 1e-8f, 0.01f);

    private GoldenAdapter() {}

    /** The cases of one adapter of a model directory on one device. */
    static List<DynamicTest> cases(Path family, Path adapter, GoldenDevices device) {
        var name = family.getFileName() + ", " + adapter.getFileName() + " on " + device.name();
        return List.of(
                DynamicTest.dynamicTest(name + ": logits", () -> device.use(d -> logits(d, family, adapter))),
                DynamicTest.dynamicTest(name + ": saved again", () -> device.use(d -> copy(d, family, adapter))),
                DynamicTest.dynamicTest(name + ": training", () -> device.use(d -> training(d, family, adapter))));
    }

    private static void logits(Device device, Path family, Path adapter) throws IOException {
        try (var model = LanguageModel.open(device, family, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device);
                var batches = Safetensors.open(family.resolve("golden.safetensors"));
                var golden = Safetensors.open(adapter.resolve("golden.safetensors"))) {
            var adapters = new Adapters(device, state, model.slots(), new RandomStream(device, state, 0));
            adapters.load(NAME, adapter, false);
            adapters.activate(NAME);
            var batch = GoldenModel.batch(batches, model);
            var logits = new LogitsProgram(model, state, workspace, batch.rows(), batch.length()).run(batch);
            GoldenModel.assertClose("logits", golden.floats("logits"), logits, 1e-4);
            var loss = new LossProgram(model, workspace, batch.rows(), batch.length(), false, Recompute.NONE);
            assertEquals(golden.floats("loss")[0], loss.run(batch, 1).mean(batch.learnedTokens()), 1e-5, "loss");
        }
    }

    private static void training(Device device, Path family, Path adapter) throws IOException {
        try (var model = LanguageModel.open(device, family, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var workspace = new Workspace(device);
                var golden = Safetensors.open(adapter.resolve("golden.safetensors"));
                var trained = Safetensors.open(adapter.resolve("adapter_model.safetensors"))) {
            var adapters = new Adapters(device, state, model.slots(), new RandomStream(device, state, 0));
            var config = AdapterDirectory.open(adapter).config();
            adapters.add(NAME, LoraConfig.read(config, adapter.toString()), true);
            adapters.set(NAME, golden, "init.");
            adapters.activate(NAME);
            var optimizer = new AdamW(SETTINGS, adapters.trained(NAME), state);
            try (var update = new UpdateProgram(device, state, optimizer, adapters.trained(NAME), 0)) {
                var shape = golden.spec("input_ids.0").shape();
                int rows = (int) shape.dim(0);
                int length = (int) shape.dim(1);
                var program = new LossProgram(model, workspace, rows, length, true, Recompute.NONE);
                var losses = golden.floats("losses");
                for (int step = 0; step < STEPS; step++) {
                    var batch = TransformersBatch.full(rows, length, golden.ints("input_ids." + step));
                    double loss = program.run(batch, 1f / batch.learnedTokens()).mean(batch.learnedTokens());
                    assertEquals(losses[step], loss, 1e-4, "loss of step " + step);
                    update.gradientNorm();
                    update.step(LEARNING_RATE, step + 1);
                }
            }
            var saved = Files.createTempDirectory("sartor-golden-adapter");
            try {
                adapters.save(NAME, saved, Map.of());
                try (var ours = Safetensors.open(saved.resolve("adapter_model.safetensors"))) {
                    assertEquals(trained.names(), ours.names(), "tensors of the trained adapter");
                    for (var key : trained.names()) {
                        GoldenModel.assertClose(key, trained.floats(key), ours.floats(key), 1e-3);
                    }
                }
            } finally {
                AtomicFiles.deleteTree(saved);
            }
        }
    }

    /** What PEFT wrote is written again as it was. */
    private static void copy(Device device, Path family, Path adapter) throws IOException {
        var saved = Files.createTempDirectory("sartor-golden-adapter");
        try (var model = LanguageModel.open(device, family, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, device);
                var theirs = Safetensors.open(adapter.resolve("adapter_model.safetensors"))) {
            var adapters = new Adapters(device, state, model.slots(), new RandomStream(device, state, 0));
            adapters.load(NAME, adapter, false);
            adapters.save(NAME, saved, Map.of());
            try (var ours = Safetensors.open(saved.resolve("adapter_model.safetensors"))) {
                assertEquals(theirs.names(), ours.names(), "tensors of the adapter");
                for (var key : theirs.names()) {
                    assertEquals(theirs.spec(key), ours.spec(key), key);
                    assertEquals(-1, theirs.data(key).mismatch(ours.data(key)), key + ": the first byte that differs");
                }
            }
        } finally {
            AtomicFiles.deleteTree(saved);
        }
    }
}
