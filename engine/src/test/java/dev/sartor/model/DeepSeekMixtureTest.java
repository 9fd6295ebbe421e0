package dev.sartor.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.Devices;
import dev.sartor.device.Device;
import dev.sartor.device.Eager;
import dev.sartor.io.Json;
import dev.sartor.io.Safetensors;
import dev.sartor.model.decoder.FeedForwardConfig.Sparse;
import dev.sartor.op.Frame;
import dev.sartor.op.Op;
import dev.sartor.tape.Planner;
import dev.sartor.tape.Tape;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** DeepSeek's mixtures of experts, read from per-expert tensors, against Transformers' (src/test/python/moe_golden.py). */
class DeepSeekMixtureTest {
    private static final Path LAYERS = Path.of("src/test/resources/layers");

    /** Ends a tape with a gradient that is given. */
    private record Seed(Tensor dy) implements Op {
        @Override
        public List<TensorSpec> outputs(List<TensorSpec> inputs) {
            return List.of(TensorSpec.of(DType.FLOAT32, 1));
        }

        @Override
        public void forward(Frame frame) {
            // Only its gradient is of interest.
        }

        @Override
        public void backward(Frame frame) {
            frame.passGradient(0, dy);
        }
    }

    @ParameterizedTest
    @CsvSource({"reference,deepseek_v2", "cpu,deepseek_v2", "reference,deepseek_v3", "cpu,deepseek_v3"})
    void isTransformers(String name, String family) throws IOException {
        var directory = LAYERS.resolve(family);
        var config = new ConfigReader(Json.readObject(directory.resolve("config.json")), family);
        var sparse = family.equals("deepseek_v2") ? Sparse.limited(config) : Sparse.corrected(config, 2.5f, 8, 4);
        try (var device = Devices.open(name);
                var weights = new FileWeights(directory);
                var scope = new Scope(Scope.Kind.WEIGHTS, device);
                var workspace = new Workspace(device);
                var golden = Safetensors.open(directory.resolve("layer.safetensors"))) {
            var builder = new ModelBuilder(device, scope, DType.FLOAT32, weights, true, null, false);
            var layer = sparse.build("mlp", config.integer("hidden_size"), builder);
            var tape = Tape.training();
            var x = tensor(device, scope, golden, "x");
            var made = layer.forward(tape, tape.constant(x));
            var y = tape.result(made.y());
            tape.backward(tape.apply(new Seed(tensor(device, scope, golden, "dy")), made.y()));
            workspace.prepare(Planner.plan(tape.recording(), device)).run();
            close("y", golden.floats("y"), Eager.floats(device, y));
            for (var parameter : builder.parameters()) {
                close(parameter.name(), golden.floats("grad." + parameter.name()), Eager.floats(device, parameter.gradient()));
            }
            assertEquals(golden.names().stream().filter(key -> key.startsWith("grad.")).count(), builder.parameters().size());
        }
    }

    private static Tensor tensor(Device device, Scope scope, Safetensors golden, String name) throws IOException {
        var tensor = scope.allocate(golden.spec(name));
        try (var arena = Arena.ofConfined()) {
            device.write(arena.allocateFrom(ValueLayout.JAVA_FLOAT, golden.floats(name)), tensor);
        }
        return tensor;
    }

    private static void close(String what, float[] expected, float[] actual) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - actual[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        double relative = Math.sqrt(difference / norm);
        assertTrue(relative < 1e-4, () -> what + " differs by " + relative + " of its norm");
    }
}
