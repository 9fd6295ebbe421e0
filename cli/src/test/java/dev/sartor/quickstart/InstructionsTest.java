package dev.sartor.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The instruction set: committed as generated, nothing held out leaks into training, and the rules judge rightly. */
class InstructionsTest {
    private static final Instructions.Split SPLIT = Instructions.generate(Instructions.SEED);

    static String resource(String name) throws Exception {
        try (InputStream in = Corpus.class.getResourceAsStream("/quickstart/" + name)) {
            assertNotNull(in, "no resource quickstart/" + name);
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void committedFilesAreTheGeneratedOnes() throws Exception {
        assertEquals(resource("train.jsonl"), Instructions.jsonl(SPLIT.train()));
        assertEquals(resource("heldout.jsonl"), Instructions.jsonl(SPLIT.heldout()));
    }

    @Test
    void enoughOfEveryKind() {
        var train = SPLIT.train().stream().collect(Collectors.groupingBy(Row::kind, Collectors.counting()));
        var held = SPLIT.heldout().stream().collect(Collectors.groupingBy(Row::kind, Collectors.counting()));
        assertEquals(train.keySet(), held.keySet());
        assertTrue(train.size() >= 15, train.toString());
        train.forEach((kind, n) -> assertTrue(n >= 40, kind + " has only " + n + " rows"));
        held.forEach((kind, n) -> assertTrue(n >= 8, kind + " has only " + n + " held-out rows"));
    }

    @Test
    void noKeyAndNoQuestionIsShared() {
        for (Function<Row, String> what : List.<Function<Row, String>>of(r -> r.kind() + ":" + r.key(), Row::question)) {
            Set<String> train = SPLIT.train().stream().map(what).collect(Collectors.toSet());
            for (Row row : SPLIT.heldout()) assertFalse(train.contains(what.apply(row)), () -> "in both sets: " + what.apply(row));
        }
        // A held-out fact is nowhere told in the training rows, whatever their kind.
        String told = SPLIT.train().stream().map(r -> r.question() + "\n" + r.answer()).collect(Collectors.joining("\n"));
        Set<String> facts = Set.of("person", "animal", "material", "colour", "opposite", "plural", "past", "calendar", "describe");
        for (Row row : SPLIT.heldout()) {
            if (facts.contains(row.kind())) assertFalse(told.contains(row.answer()), () -> "told in training: " + row.answer());
        }
    }

    @Test
    void noTrainingRowNamesAHeldOutPerson() {
        Pattern names = Pattern.compile("\\b(" + Instructions.HELDOUT_PEOPLE.stream().map(World.Person::name).collect(Collectors.joining("|")) + ")\\b");
        for (Row row : SPLIT.train()) assertFalse(names.matcher(row.question() + " " + row.answer()).find(), row::json);
    }

    @Test
    void questionsAreUnique() {
        assertEquals(SPLIT.train().size(), new HashSet<>(SPLIT.train().stream().map(Row::question).toList()).size());
        assertEquals(SPLIT.heldout().size(), new HashSet<>(SPLIT.heldout().stream().map(Row::question).toList()).size());
    }

    @Test
    void everyAnswerKeepsItsRuleAndWrongOnesBreakIt() {
        for (List<Row> rows : List.of(SPLIT.train(), SPLIT.heldout())) {
            for (Row row : rows) {
                assertTrue(row.check().holds(row.answer()), row::json);
                assertFalse(row.check().holds(""), row::json);
                assertFalse(row.check().holds(row.answer() + " And"), row::json);
                assertFalse(row.check().holds(row.question()), row::json);
            }
        }
    }

    @Test
    void rules() {
        Check list = new Check.Members("colours", 3);
        assertTrue(list.holds("Red, blue and green."));
        assertFalse(list.holds("Red and blue."));
        assertFalse(list.holds("Red, red and green."));
        assertFalse(list.holds("Red, hen and green."));
        Check rhyme = new Check.RhymeWord("cat");
        assertTrue(rhyme.holds("Hat rhymes with cat."));
        assertFalse(rhyme.holds("Cat rhymes with cat."));
        assertFalse(rhyme.holds("Goat rhymes with cat."));
        Check line = new Check.RhymeLine("cat");
        assertTrue(line.holds("The dog lay down upon the mat."));
        assertFalse(line.holds("The dog lay down upon the floor."));
        Check prose = new Check.Prose(List.of("Odo", "goose"), 3, 20);
        assertTrue(prose.holds("Odo saw a goose. It honked. \"Stop!\" he cried."));
        assertFalse(prose.holds("Odo saw a hen. It clucked. He laughed."));
        assertFalse(prose.holds("Odo saw a goose."));
        assertFalse(prose.holds("Odo saw a goose. It honked. He laughed and then"));
    }

    @Test
    void examCountsOnlyAnswersThatStop() {
        List<Row> rows = SPLIT.heldout();
        var all = Exam.judge(rows, rows.stream().map(r -> new Exam.Answer(r.answer(), true)).toList());
        assertEquals(1.0, all.total().accuracy());
        assertEquals(rows.size(), all.byKind().stream().mapToInt(Exam.Score::asked).sum());
        var none = Exam.judge(rows, rows.stream().map(r -> new Exam.Answer(r.answer(), false)).toList());
        assertEquals(0, none.total().right());
    }
}
