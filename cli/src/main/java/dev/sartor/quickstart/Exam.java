package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The held-out questions and how many of a model's answers are right. */
public final class Exam {
    private Exam() {}

    /** What a model said, and whether it ended by itself (with the end token) rather than at the length limit. */
    public record Answer(String text, boolean stopped) {}

    /** @param kind task kind; @param right answers that were right; @param asked questions of this kind */
    public record Score(String kind, int right, int asked) {
        public double accuracy() { return asked == 0 ? 0 : (double) right / asked; }
    }

    /** @param byKind one score for each kind, in the order of the questions; @param total over all of them */
    public record Result(List<Score> byKind, Score total) {}

    /** The most tokens an answer may need: stories are the longest. */
    public static final int MAX_ANSWER_TOKENS = 240;

    /** The held-out questions of the bundled instruction set. */
    public static List<Row> questions() { return Instructions.generate(Instructions.SEED).heldout(); }

    /** A few of the held-out questions to show: one of each kind that a reader enjoys. */
    public static List<Row> showcase() {
        List<Row> all = questions();
        return java.util.stream.Stream.of("person", "describe", "opposite", "make a question", "odd one out", "couplet", "reading", "story")
            .map(kind -> all.stream().filter(r -> r.kind().equals(kind)).findFirst().orElseThrow()).toList();
    }

    /**
     * Counts right answers; one that did not stop by itself is wrong whatever it says.
     * @throws IllegalArgumentException when there are not as many answers as questions
     */
    public static Result judge(List<Row> questions, List<Answer> answers) {
        if (questions.size() != answers.size()) {
            throw new IllegalArgumentException(answers.size() + " answers to " + questions.size() + " questions");
        }
        Map<String, int[]> counts = new LinkedHashMap<>();
        int right = 0;
        for (int i = 0; i < questions.size(); i++) {
            boolean good = right(questions.get(i), answers.get(i));
            int[] c = counts.computeIfAbsent(questions.get(i).kind(), k -> new int[2]);
            c[1]++;
            if (good) {
                c[0]++;
                right++;
            }
        }
        List<Score> byKind = new ArrayList<>();
        counts.forEach((kind, c) -> byKind.add(new Score(kind, c[0], c[1])));
        return new Result(List.copyOf(byKind), new Score("all", right, questions.size()));
    }

    public static boolean right(Row question, Answer answer) {
        return answer.stopped() && question.check().holds(answer.text());
    }
}
