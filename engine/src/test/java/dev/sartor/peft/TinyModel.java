package dev.sartor.peft;

import dev.sartor.backend.reference.ReferenceDevice;
import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.train.LogitsProgram;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;

/** A small model with adapters on the reference device. */
final class TinyModel implements AutoCloseable {
    private static final int ROWS = 2;
    private static final int LENGTH = 6;

    private final Device device = new ReferenceDevice();
    private final Scope state = new Scope(Scope.Kind.STATE, device);
    private final Workspace workspace = new Workspace(device);
    private final Path directory;
    private final LanguageModel model;
    private final Adapters adapters;

    TinyModel(Path temporary, String name) throws IOException {
        this(temporary, name, DType.FLOAT32);
    }

    /** @param stored type of the weights in the file */
    TinyModel(Path temporary, String name, DType stored) throws IOException {
        directory = TinyModels.weights(device, temporary, name, stored);
        model = LanguageModel.open(device, directory, DType.FLOAT32, false);
        adapters = new Adapters(device, state, model.slots(), new RandomStream(device, state, 9));
    }

    Device device() {
        return device;
    }

    Path directory() {
        return directory;
    }

    LanguageModel model() {
        return model;
    }

    Adapters adapters() {
        return adapters;
    }

    /** A forward pass recorded now. */
    LogitsProgram program() {
        return new LogitsProgram(model, state, workspace, ROWS, LENGTH);
    }

    float[] run(LogitsProgram program) {
        return program.run(batch());
    }

    float[] logits() {
        return run(program());
    }

    /** Logits of a model in a directory for the same tokens. */
    float[] logits(Path other) throws IOException {
        try (var opened = LanguageModel.open(device, other, DType.FLOAT32, false)) {
            return run(new LogitsProgram(opened, state, workspace, ROWS, LENGTH));
        }
    }

    private static Batch batch() {
        int[] ids = new Random(1).ints(ROWS * LENGTH, 0, 64).toArray();
        return TransformersBatch.full(ROWS, LENGTH, ids);
    }

    /** Adds noise to every tensor of an adapter, as training would. */
    void scramble(String name) {
        var random = new Random(name.hashCode());
        for (var parameter : adapters.parameters(name)) {
            var values = Eager.floats(device, parameter.value());
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) (0.2 * random.nextGaussian());
            }
            try (var arena = Arena.ofConfined()) {
                device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), parameter.value());
            }
        }
    }

    /** The largest difference. */
    static double distance(float[] a, float[] b) {
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    @Override
    public void close() {
        workspace.close();
        model.close();
        state.close();
        device.close();
    }
}
