package dev.sartor.journey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.Engine;
import dev.sartor.Sft;
import dev.sartor.generate.Sampling;
import dev.sartor.generate.TextGenerator;
import dev.sartor.model.LanguageModel;
import dev.sartor.nn.RandomStream;
import dev.sartor.peft.Adapters;
import dev.sartor.peft.lora.Lora;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.text.Tokenizer;
import dev.sartor.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.BooleanNode;

/** What docs/service.md shows, in one process: tune, save, load beside another adapter, generate. */
class ServiceTest {
    private static final TrainingListener QUIET = new TrainingListener() {};

    @Test
    void aServiceTunesAndServes(@TempDir Path directory) throws IOException {
        var bare = Sartor.bareModel(directory.resolve("bare"));
        var text = Sartor.text(directory.resolve("prose.txt"));
        var base = directory.resolve("base");
        try (var engine = Engine.open()) {
            try (var run = Sft.on(engine).model(bare).fromScratch().data(text).maxLength(32).steps(1).output(base)
                    .prepare(QUIET)) {
                run.run();
                run.save(base);
            }
            var tuned = directory.resolve("tuned");
            try (var run = Sft.on(engine).model(base).adapter(Lora.rank(4).alpha(8).allLinear()).data(text).maxLength(32)
                    .steps(2).output(tuned).prepare(QUIET)) {
                run.start();
                var result = run.await();
                assertEquals(2, result.steps());
                assertFalse(result.stopped());
                run.save(tuned);
            }
            assertTrue(Files.exists(tuned.resolve("adapter_model.safetensors")));
            serve(engine, base, tuned);
        }
    }

    private static void serve(Engine engine, Path base, Path tuned) throws IOException {
        try (var model = LanguageModel.open(engine.device(), base, DType.FLOAT32, false);
                var state = new Scope(Scope.Kind.STATE, engine.device());
                var tokenizer = Tokenizer.open(base)) {
            var adapters = new Adapters(engine.device(), state, model.slots(), new RandomStream(engine.device(), state, 0));
            adapters.load("tuned", tuned, false);
            // An adapter that changes everything from the start, so that switching shows.
            adapters.add("other", Lora.rank(4).alpha(400).allLinear().set("init_lora_weights", BooleanNode.FALSE).build(), false);
            adapters.activate("tuned");
            var first = generate(model, tokenizer);
            adapters.activate("other");
            var second = generate(model, tokenizer);
            adapters.activate("tuned");
            assertEquals(first, generate(model, tokenizer));
            assertNotEquals(first, second);
        }
    }

    private static String generate(LanguageModel model, Tokenizer tokenizer) {
        try (var generator = new TextGenerator(model, tokenizer, Sampling.GREEDY, 1, 24)) {
            return generator.generate(tokenizer.encode("Once upon", true), 12, List.of(), piece -> {}).text();
        }
    }
}
