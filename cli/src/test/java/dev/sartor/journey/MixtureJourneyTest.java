package dev.sartor.journey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dense models and adapters that become mixtures of experts, command by command. */
class MixtureJourneyTest {
    @TempDir
    static Path directory;

    private static Path base;
    private static Path data;

    @BeforeAll
    static void pretrain() throws IOException {
        data = Sartor.messages(directory.resolve("rows.jsonl"));
        base = directory.resolve("base");
        var recipe = Files.writeString(directory.resolve("pretrain.yaml"), """
                model_name_or_path: %s
                dataset_name: %s
                output_dir: %s
                max_length: 32
                per_device_train_batch_size: 2
                max_steps: 1
                """.formatted(Sartor.bareModel(directory.resolve("bare")), Sartor.text(directory.resolve("prose.txt")), base));
        assertEquals(0, Sartor.run("pretrain", recipe).status());
    }

    private static String succeeds(Object... arguments) {
        var outcome = Sartor.run(arguments);
        assertEquals(0, outcome.status(), outcome.toString());
        return outcome.out();
    }

    private static double loss(Path model) throws IOException {
        var said = succeeds("eval", "--data", data, "--set", "max_length=64", "--json", "--model", model);
        return Json.parse(said.strip().lines().toList().getLast(), "eval").path("loss").doubleValue();
    }

    private static Path tuned(String name, Path model, int steps, String... settings) {
        var output = directory.resolve(name);
        var arguments = new ArrayList<Object>(List.of("sft", "--model", model, "--data", data, "--output", output, "--set", "max_steps=" + steps,
                "--set", "learning_rate=0.02", "--set", "max_length=64"));
        for (var setting : settings) {
            arguments.addAll(List.of("--set", setting));
        }
        succeeds(arguments.toArray());
        return output;
    }

    @Test
    void upcycledItIsTheDenseModelUntilItLearns() throws IOException {
        var mixture = directory.resolve("upcycled");
        var said = succeeds("upcycle", "--model", base, "--output", mixture, "--experts", "4", "--top-k", "2");
        assertTrue(said.contains("mixtral with 4 experts a layer, 2 a token, in " + mixture)
                && said.contains("it computes what the dense model does"), said);
        assertTrue(Files.exists(mixture.resolve("tokenizer.json")));
        assertEquals(loss(base), loss(mixture), 1e-5);
        var adapter = tuned("of-upcycled", mixture, 4, "target_parameters=[mlp.experts.gate_up_proj,mlp.experts.down_proj]");
        var merged = directory.resolve("upcycled-merged");
        succeeds("merge", "--model", mixture, "--adapter", adapter, "--output", merged);
        assertTrue(loss(merged) < loss(base) - 0.1, loss(base) + " to " + loss(merged));
    }

    @Test
    void adaptersBecomeExpertsWhoseRoutersAreTrained() throws IOException {
        var one = tuned("one", base, 4);
        var two = tuned("two", base, 4, "seed=7");
        var mixture = directory.resolve("of-adapters");
        var said = succeeds("moe-from-adapters", "--base", base, "--adapters", one + "," + two, "--output", mixture, "--top-k", "1");
        assertTrue(said.contains("mixtral of 2 adapters, 1 experts a token") && said.contains("averaged over the adapters"), said);
        assertTrue(loss(mixture) < loss(base) - 0.1, loss(base) + " to " + loss(mixture));
        // As the command says.
        assertTrue(said.contains("--set target_modules=[] --set modules_to_save=[mlp.gate]"), said);
        var routers = tuned("routers", mixture, 2, "target_modules=[]", "modules_to_save=[mlp.gate]");
        var trained = directory.resolve("of-adapters-trained");
        succeeds("merge", "--model", mixture, "--adapter", routers, "--output", trained);
        assertTrue(Double.isFinite(loss(trained)));
    }
}
