package dev.sartor.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Writes the instruction set on which the quickstart tunes, and the held-out questions by which it is judged.
 * What is held out: whole people (no training row names them), and for every other kind whole keys (facts, word pairs,
 * rhyme families, sums, word sets, stories), in every phrasing.
 * Run as {@code java -cp CLASSES dev.sartor.quickstart.Instructions OUT_DIR}; writes {@code train.jsonl} and {@code heldout.jsonl}.
 */
public final class Instructions {
    private Instructions() {}

    public static final long SEED = 11;
    /** Rows of each kind in the training set (fewer where a kind has fewer) and in the held-out set. */
    static final int TRAIN_ROWS = 150, HELDOUT_ROWS = 10;

    public record Split(List<Row> train, List<Row> heldout) {}

    /** People whom no training row names. */
    public static final List<World.Person> HELDOUT_PEOPLE = java.util.stream.Stream.of(
        "Sartor", "Odo", "Rosa", "Otto", "Agnes", "Ivo", "Dora", "Vera", "Leo", "Martha", "Nora", "Jan").map(World::person).toList();
    static final List<World.Person> TRAIN_PEOPLE = World.PEOPLE.stream().filter(p -> !HELDOUT_PEOPLE.contains(p)
        && !(p.child() && HELDOUT_PEOPLE.contains(World.person(p.parent())))).toList();

    public static Split generate(long seed) {
        Grammar g = new Grammar(new Random(seed));
        List<Row> train = new ArrayList<>(), heldout = new ArrayList<>();
        // People: by person. Train rows also leave out children whose parent is held out, and all of theirs.
        fixed(g, TRAIN_PEOPLE.stream().flatMap(p -> Facts.person(p).stream()).toList(), 2 * TRAIN_ROWS, train);
        fixed(g, HELDOUT_PEOPLE.stream().flatMap(p -> Facts.person(p).stream()).toList(), 2 * HELDOUT_ROWS, heldout);
        fixed(g, TRAIN_PEOPLE.stream().map(Facts::about).toList(), TRAIN_ROWS, train);
        fixed(g, HELDOUT_PEOPLE.stream().map(Facts::about).toList(), HELDOUT_ROWS, heldout);
        // Finite lists: a sixth of the keys is held out.
        for (List<Exercise> all : List.of(Facts.animals(), Facts.materials(), Facts.colours(), Skills.opposites(), Skills.plurals(), Skills.verbs(), Skills.sums(), Skills.calendar())) {
            Set<String> out = heldKeys(g, all);
            fixed(g, all.stream().filter(e -> !out.contains(e.key())).toList(), TRAIN_ROWS, train);
            fixed(g, all.stream().filter(e -> out.contains(e.key())).toList(), HELDOUT_ROWS, heldout);
        }
        List<List<String>> families = g.sample(Words.RHYMES, Words.RHYMES.size());
        List<List<String>> heldFamilies = families.subList(0, 5), trainFamilies = families.subList(5, families.size());
        Stories all = new Stories(g, World.PEOPLE), some = new Stories(g, TRAIN_PEOPLE);
        List<String> categories = List.copyOf(Words.CATEGORIES.keySet());
        List<String> heldCategories = List.of("tools", "fruits", "birds");
        List<String> trainCategories = categories.stream().filter(c -> !heldCategories.contains(c)).toList();
        // Made anew: held-out ones first, then training ones whose key is none of theirs.
        Map<String, List<Supplier<Exercise>>> made = new LinkedHashMap<>();
        made.put("rhyme", List.of(() -> Skills.rhyme(g, g.pick(heldFamilies)), () -> Skills.rhyme(g, g.pick(trainFamilies))));
        made.put("couplet", List.of(() -> Skills.couplet(g, g.pick(heldFamilies)), () -> Skills.couplet(g, g.pick(trainFamilies))));
        made.put("odd one out", List.of(() -> Skills.odd(g), () -> Skills.odd(g)));
        made.put("yes or no", List.of(() -> Skills.yesNo(g), () -> Skills.yesNo(g)));
        made.put("list", List.of(() -> Skills.members(g, g.pick(heldCategories)), () -> Skills.members(g, g.pick(trainCategories))));
        made.put("make a question", List.of(() -> Skills.question(g, World.PEOPLE), () -> Skills.question(g, TRAIN_PEOPLE)));
        made.put("say the contrary", List.of(() -> Skills.negative(g, World.PEOPLE), () -> Skills.negative(g, TRAIN_PEOPLE)));
        made.put("reading", List.of(() -> Skills.comprehension(g, all.tell()), () -> Skills.comprehension(g, some.tell())));
        made.put("story", List.of(() -> Skills.story(all.tell()), () -> Skills.story(some.tell())));
        made.forEach((kind, makers) -> {
            Set<String> held = new HashSet<>();
            fresh(g, makers.get(0), Set.of(), kind.equals("reading") ? 2 * HELDOUT_ROWS : HELDOUT_ROWS, heldout, held);
            fresh(g, makers.get(1), held, kind.equals("reading") || kind.equals("story") ? 2 * TRAIN_ROWS : TRAIN_ROWS, train, new HashSet<>());
        });
        Collections.shuffle(train, g.random());
        return new Split(List.copyOf(train), List.copyOf(heldout));
    }

    private static Set<String> heldKeys(Grammar g, List<Exercise> all) {
        List<String> keys = new ArrayList<>(all.stream().map(Exercise::key).distinct().toList());
        Collections.shuffle(keys, g.random());
        return Set.copyOf(keys.subList(0, Math.max(3, keys.size() / 6)));
    }

    // Every phrasing of every exercise is a candidate; a random choice of `rows` of them.
    private static void fixed(Grammar g, List<Exercise> from, int rows, List<Row> into) {
        List<Row> candidates = new ArrayList<>();
        for (Exercise e : from) for (String q : e.phrasings()) candidates.add(new Row(e.kind(), e.key(), q, e.answer(), e.check()));
        Collections.shuffle(candidates, g.random());
        into.addAll(candidates.subList(0, Math.min(rows, candidates.size())));
    }

    private static void fresh(Grammar g, Supplier<Exercise> maker, Set<String> forbidden, int rows, List<Row> into, Set<String> keys) {
        Set<String> asked = new HashSet<>();
        for (int tries = 0, n = 0; n < rows && tries < 50 * rows; tries++) {
            Exercise e = maker.get();
            String q = g.pick(e.phrasings());
            if (forbidden.contains(e.key()) || !asked.add(q)) continue;
            keys.add(e.key());
            into.add(new Row(e.kind(), e.key(), q, e.answer(), e.check()));
            n++;
        }
    }

    /** The rows as JSONL text. */
    public static String jsonl(List<Row> rows) {
        StringBuilder s = new StringBuilder();
        for (Row row : rows) s.append(row.json()).append('\n');
        return s.toString();
    }

    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            System.err.println("usage: Instructions OUT_DIR");
            System.exit(2);
        }
        Path dir = Files.createDirectories(Path.of(args[0]));
        Split split = generate(SEED);
        Files.writeString(dir.resolve("train.jsonl"), jsonl(split.train()), StandardCharsets.UTF_8);
        Files.writeString(dir.resolve("heldout.jsonl"), jsonl(split.heldout()), StandardCharsets.UTF_8);
        System.out.println(split.train().size() + " rows to train on, " + split.heldout().size() + " held out");
    }
}
