package dev.sartor.cli;

import dev.sartor.Engine;
import dev.sartor.Sft;
import dev.sartor.cli.recipe.Recipe;
import dev.sartor.generate.Sampling;
import dev.sartor.generate.TextGenerator;
import dev.sartor.model.LanguageModel;
import dev.sartor.quickstart.Exam;
import dev.sartor.tensor.DType;
import dev.sartor.text.Tokenizer;
import dev.sartor.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "quickstart",
        description = "Watch a small language model learn to answer questions, in a few minutes and without a download.",
        mixinStandardHelpOptions = true)
final class QuickstartCommand implements Callable<Integer> {
    private static final List<String> FILES =
            List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "train.jsonl", "tune.yaml");
    private static final int BATCH = 16;
    /** Characters of an answer that are printed. */
    private static final int SHOWN = 400;

    @Option(names = "--output", paramLabel = "DIR", defaultValue = "target/quickstart", description = "where model and adapter go")
    private Path output;

    @Mixin
    private RunOptions options;

    @Override
    public Integer call() throws IOException {
        var recipe = options.recipe();
        var base = output.resolve("base");
        var adapter = output.resolve("adapter");
        unpack(base);
        System.out.println("""
                A language model of 3 million parameters, pretrained by Sartor on stories of a small town, Thimbleford.
                It has read who lives there and what they do, but nobody has taught it to answer questions.
                """);
        try (var engine = RunOptions.engine(recipe); var tokenizer = Tokenizer.open(base)) {
            System.out.println(engine.device().description());
            var before = answers(engine, base, null, tokenizer);
            System.out.println("\nNow it learns from 3050 questions and answers, with a LoRA adapter of rank 16 on every linear layer:\n");
            tune(engine, base, adapter);
            var after = answers(engine, base, adapter, tokenizer);
            show(before, after);
        }
        System.out.println("""

                The adapter is in %s, in PEFT's layout. Ask the model something yourself:
                  ./sartor generate --model %s --adapter %s --chat --prompt "What is the opposite of cold?"
                Tune a model of your own:
                  ./sartor sft --model DIR --data FILE.jsonl --output DIR"""
                .formatted(adapter, base, adapter));
        return 0;
    }

    private static void unpack(Path base) throws IOException {
        Files.createDirectories(base);
        for (var name : FILES) {
            try (var in = QuickstartCommand.class.getResourceAsStream("/quickstart/" + name)) {
                if (in == null) {
                    throw new IllegalStateException("the quickstart's " + name + " is missing from this build");
                }
                Files.write(base.resolve(name), in.readAllBytes());
            }
        }
    }

    private static void tune(Engine engine, Path base, Path adapter) throws IOException {
        var recipe = Recipe.read(base.resolve("tune.yaml"));
        try (var run = Sft.on(engine).model(base).adapter(RecipeReader.adapter(recipe)).dtype(RunOptions.dtype(recipe))
                .data(RecipeReader.data(recipe).with(List.of(base.resolve("train.jsonl")), List.of()))
                .arguments(RecipeReader.arguments(recipe)).output(adapter)
                .prepare(new ConsoleListener(new TrainingListener() {}))) {
            run.run();
            run.save(adapter);
        }
    }

    /** Answers to all the held-out questions, in their order. */
    private static List<Exam.Answer> answers(Engine engine, Path base, Path adapter, Tokenizer tokenizer) throws IOException {
        var answers = new ArrayList<Exam.Answer>();
        var questions = Exam.questions();
        try (var model = LanguageModel.open(engine.device(), base, DType.FLOAT32, false);
                var adapted = AdaptedModel.of(model, adapter);
                var generator = new TextGenerator(model, tokenizer, Sampling.GREEDY, BATCH, (int) model.config().maxPositions())) {
            for (int from = 0; from < questions.size(); from += BATCH) {
                var prompts = questions.subList(from, Math.min(from + BATCH, questions.size())).stream()
                        .map(question -> GenerateCommand.chatTokens(tokenizer, question.question()))
                        .toList();
                generator.generate(prompts, Exam.MAX_ANSWER_TOKENS, List.of()).forEach(text -> answers.add(
                        new Exam.Answer(text.text().strip(), text.finish() == TextGenerator.Finish.END)));
            }
        }
        return answers;
    }

    private static void show(List<Exam.Answer> before, List<Exam.Answer> after) {
        var questions = Exam.questions();
        System.out.println("\nQuestions that it was not trained on:");
        for (var shown : Exam.showcase()) {
            int at = questions.indexOf(shown);
            System.out.println("\n  question  " + shown.question().replace("\n", "\n            "));
            System.out.println("  before    " + shortened(before.get(at)));
            System.out.println("  after     " + shortened(after.get(at)));
        }
        var then = Exam.judge(questions, before).total();
        var now = Exam.judge(questions, after).total();
        System.out.println("\nRight answers to %d such questions: %d before, %d after (%.0f %%).".formatted(
                now.asked(), then.right(), now.right(), 100 * now.accuracy()));
    }

    private static String shortened(Exam.Answer answer) {
        var line = answer.text().replaceAll("\\s+", " ");
        return (line.length() <= SHOWN ? line : line.substring(0, SHOWN) + " ...") + (answer.stopped() ? "" : "  [did not stop]");
    }
}
