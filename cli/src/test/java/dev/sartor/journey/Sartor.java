package dev.sartor.journey;

import dev.sartor.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The command line in this process, and what a person would have at hand. */
final class Sartor {
    /** @param status 0 done, 1 the work failed, 2 wrong usage */
    record Outcome(int status, String out, String err) {
        String lastLine() {
            return out.strip().lines().toList().getLast();
        }

        /** For messages of assertions. */
        @Override
        public String toString() {
            return "status " + status + "\n" + out + "\n" + err;
        }
    }

    private static final List<String> NAMES = List.of("Nell", "Tom", "Ida", "Ben", "Rose");
    private static final List<String> THINGS = List.of("a lamp", "the gate", "some bread", "a blue boat", "two apples");

    private Sartor() {}

    static Outcome run(Object... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new StringWriter();
        var before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            var strings = Stream.of(arguments).map(Object::toString).toArray(String[]::new);
            int status = Main.commandLine(strings)
                    .setOut(new PrintWriter(System.out, true))
                    .setErr(new PrintWriter(err, true))
                    .execute(strings);
            return new Outcome(status, out.toString(StandardCharsets.UTF_8), err.toString());
        } finally {
            System.setOut(before);
        }
    }

    /** A directory with config.json of a small Llama and the quickstart's tokenizer, but no weights. */
    static Path bareModel(Path directory) throws IOException {
        Files.createDirectories(directory);
        for (var name : List.of("tokenizer.json", "tokenizer_config.json")) {
            try (var in = Main.class.getResourceAsStream("/quickstart/" + name)) {
                Files.write(directory.resolve(name), in.readAllBytes());
            }
        }
        Files.writeString(directory.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 2048, "hidden_size": 32,
                 "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
                 "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "initializer_range": 0.1,
                 "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
                """);
        return directory;
    }

    static Path text(Path file) throws IOException {
        return Files.writeString(file, sentences(120).collect(Collectors.joining("\n")));
    }

    static Path messages(Path file) throws IOException {
        return Files.write(file, sentences(24).map(sentence -> """
                {"messages": [{"role": "user", "content": "What happened?"}, {"role": "assistant", "content": "%s"}]}"""
                .formatted(sentence)).toList());
    }

    private static Stream<String> sentences(int count) {
        var random = new Random(4);
        return Stream.generate(() -> NAMES.get(random.nextInt(NAMES.size())) + " found " + THINGS.get(random.nextInt(THINGS.size()))
                + " and gave it to " + NAMES.get(random.nextInt(NAMES.size())) + ".").limit(count);
    }
}
