package dev.sartor.bench.step;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.bench.Threads;
import dev.sartor.io.Json;
import dev.sartor.io.SafetensorsWriter;
import dev.sartor.model.LanguageModel;
import dev.sartor.model.ModelWriter;
import dev.sartor.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Writes a model of a real shape with random weights, in Hugging Face layout. */
public final class RandomModel {
    private static final long SEED = 42;

    private RandomModel() {}

    /** SHAPE DTYPE DIRECTORY, such as llama-134m bfloat16 target/model. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 3) {
            System.err.println("expected a shape, a dtype and a directory, found " + arguments.length + " arguments");
            System.exit(2);
        }
        var shape = Shape.named(arguments[0]);
        var dtype = DType.valueOf(arguments[1].toUpperCase(Locale.ROOT));
        var target = Path.of(arguments[2]);
        var folder = Files.createTempDirectory("sartor-shape");
        var config = folder.resolve("config.json");
        try (var device = CpuDevice.open(Threads.count())) {
            Json.write(config, shape.config());
            try (var model = LanguageModel.fresh(device, folder, dtype, false, null, SEED)) {
                ModelWriter.write(model, target, dtype, SafetensorsWriter.DEFAULT_MAX_SHARD_BYTES);
            }
        } finally {
            Files.deleteIfExists(config);
            Files.delete(folder);
        }
    }
}
