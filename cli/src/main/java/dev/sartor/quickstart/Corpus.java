package dev.sartor.quickstart;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Writes the corpus on which the quickstart's base model is pretrained: short stories, descriptions, lessons and verse
 * from the town of Thimbleford, in simple English. Deterministic: the same seed gives the same bytes on every machine.
 * Run as {@code java -cp CLASSES dev.sartor.quickstart.Corpus OUT_DIR [DOCUMENTS [SEED]]}; writes {@code train.jsonl} and
 * {@code validation.jsonl} with one {@code {"text": ...}} a line.
 */
public final class Corpus {
    private Corpus() {}

    /** Documents in the training part, about 29 MB of text. */
    public static final int DOCUMENTS = 50_000;
    public static final int VALIDATION_DOCUMENTS = 500;
    public static final long SEED = 7;

    /** Gives {@code count} documents to {@code sink}. */
    public static void generate(long seed, int count, Consumer<String> sink) {
        Grammar g = new Grammar(new Random(seed));
        Stories stories = new Stories(g, World.PEOPLE);
        Passages passages = new Passages(g);
        Lessons lessons = new Lessons(g, stories);
        for (int i = 0; i < count; i++) {
            int r = g.between(0, 99);
            sink.accept(r < 20 ? stories.tell().text() : r < 27 ? lessons.request() : r < 52 ? passages.passage() : r < 80 ? lessons.lesson()
                : r < 97 ? lessons.reading() : lessons.verse());
        }
    }

    public static void main(String[] args) throws IOException {
        if (args.length < 1 || args.length > 3) {
            System.err.println("usage: Corpus OUT_DIR [DOCUMENTS [SEED]]");
            System.exit(2);
        }
        Path dir = Files.createDirectories(Path.of(args[0]));
        int documents = args.length > 1 ? Integer.parseInt(args[1]) : DOCUMENTS;
        long seed = args.length > 2 ? Long.parseLong(args[2]) : SEED;
        write(dir.resolve("train.jsonl"), seed, documents);
        write(dir.resolve("validation.jsonl"), ~seed, VALIDATION_DOCUMENTS);
    }

    private static void write(Path file, long seed, int documents) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try (BufferedWriter out = Files.newBufferedWriter(part, StandardCharsets.UTF_8)) {
            StringBuilder line = new StringBuilder();
            generate(seed, documents, text -> {
                line.append("{\"text\": ").append(Json.quote(text)).append("}\n");
                try {
                    out.append(line);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
                line.setLength(0);
            });
        }
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        System.out.println(file + ": " + documents + " documents, " + Files.size(file) + " bytes");
    }
}
