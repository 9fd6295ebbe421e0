package dev.sartor.bench.step;

import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.io.Json;
import dev.sartor.peft.lora.Lora;
import dev.sartor.tensor.DType;
import dev.sartor.train.TrainingSetup;
import dev.sartor.train.TransformersBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** The 134M Llama shape that training steps are measured on, batch 4 x 256, LoRA rank 16. */
final class LlamaShape {
    static final int ROWS = 4;
    static final int LENGTH = 256;
    private static final Shape SHAPE = Shape.LLAMA_134M;
    private static final int LORA_RANK = 16;
    private static final double LORA_ALPHA = 32;

    static final int TOKENS = ROWS * LENGTH;
    private static final long SEED = 42;

    private LlamaShape() {}

    /** The model with random weights, frozen, and a new LoRA adapter on all its linear layers. */
    static TrainingSetup open(Device device, DType dtype) throws IOException {
        var folder = Files.createTempDirectory("sartor-llama-134m");
        var config = folder.resolve("config.json");
        try {
            Json.write(config, SHAPE.config());
            var adapter = Lora.rank(LORA_RANK).alpha(LORA_ALPHA).allLinear().build();
            return new TrainingSetup(device,
                    new TrainingSetup.Options(folder, dtype, adapter, SEED, TrainingSetup.Start.RANDOM));
        } finally {
            Files.deleteIfExists(config);
            Files.delete(folder);
        }
    }

    /** Random tokens, all of them learned; others for another step. */
    static Batch batch(long step) {
        return TransformersBatch.full(ROWS, LENGTH, new SplittableRandom(step).ints(TOKENS, 0, SHAPE.vocabulary()).toArray());
    }
}
