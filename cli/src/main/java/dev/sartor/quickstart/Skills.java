package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Exercises in language: word knowledge (finite lists) and skills (made anew each time). */
final class Skills {
    private Skills() {}

    static List<Exercise> opposites() {
        List<Exercise> out = new ArrayList<>();
        for (String[] pair : Words.OPPOSITES) {
            for (int i = 0; i < 2; i++) {
                String w = pair[i], o = pair[1 - i];
                // One key for both directions: asking "hot" must not give "cold" away.
                out.add(new Exercise("opposite", pair[0] + "/opposite", List.of("What is the opposite of " + w + "?", "Give the opposite of " + w + ".",
                    "Which word is the opposite of " + w + "?", "Tell me the opposite of " + w + "."), "The opposite of " + w + " is " + o + "."));
            }
        }
        return out;
    }

    static List<Exercise> plurals() {
        return Words.PLURALS.stream().map(p -> new Exercise("plural", p[0] + "/plural", List.of("What is the plural of " + p[0] + "?",
            "Give the plural of " + p[0] + ".", "One " + p[0] + ", and two of them are called what?", "Which word is the plural of " + p[0] + "?"),
            "The plural of " + p[0] + " is " + p[1] + ".")).toList();
    }

    static List<Exercise> verbs() {
        return Words.VERBS.stream().map(p -> new Exercise("past", p[0] + "/past", List.of("What is the past tense of " + p[0] + "?",
            "Give the past tense of " + p[0] + ".", "Put the verb " + p[0] + " into the past.", "Which word is the past of " + p[0] + "?"),
            "The past tense of " + p[0] + " is " + p[1] + ".")).toList();
    }

    static List<Exercise> sums() {
        List<Exercise> out = new ArrayList<>();
        for (int a = 1; a <= 10; a++) for (int b = 1; b <= 10; b++) {
            String x = Words.number(a), y = Words.number(b), s = Words.number(a + b);
            String key = Math.min(a, b) + "+" + Math.max(a, b);
            String thing = Words.COUNTABLE.get((a * 7 + b * 5) % Words.COUNTABLE.size());
            out.add(new Exercise("sum", key, List.of("How much is " + x + " and " + y + "?", "What is " + x + " plus " + y + "?",
                "Add " + x + " and " + y + ".", "What do " + x + " and " + y + " make?"), Grammar.capital(x) + " and " + y + " make " + s + "."));
            if (a > 1 && b > 1) {
                out.add(new Exercise("sum", key, List.of("How many " + thing + " are " + x + " " + thing + " and " + y + " " + thing + "?",
                    "I have " + x + " " + thing + " and get " + y + " more. How many " + thing + " are there?"), Grammar.capital(x) + " and " + y + " make " + s + "."));
            }
        }
        return out;
    }

    static List<Exercise> calendar() {
        List<Exercise> out = new ArrayList<>();
        order(out, "day", Words.DAYS);
        order(out, "month", Words.MONTHS);
        return out;
    }

    private static void order(List<Exercise> out, String unit, List<String> names) {
        for (int i = 0; i < names.size(); i++) {
            String here = names.get(i), next = names.get((i + 1) % names.size());
            // One key for a neighbouring pair, asked forwards or backwards.
            out.add(new Exercise("calendar", here + "/" + next, List.of("Which " + unit + " comes after " + here + "?", "What " + unit + " follows " + here + "?",
                "Name the " + unit + " after " + here + "."), Grammar.capital(next) + " comes after " + here + "."));
            out.add(new Exercise("calendar", here + "/" + next, List.of("Which " + unit + " comes before " + next + "?", "Name the " + unit + " before " + next + ".",
                "What " + unit + " is just before " + next + "?"), Grammar.capital(here) + " comes before " + next + "."));
        }
    }

    /** The key is the rhyme family, so that a family is either trained or held out. */
    static Exercise rhyme(Grammar g, List<String> family) {
        List<String> two = g.sample(family, 2);
        String w = two.get(0);
        return new Exercise("rhyme", family.getFirst() + "/rhyme", List.of("Which word rhymes with " + w + "?", "Give a word that rhymes with " + w + ".",
            "What rhymes with " + w + "?", "Find a rhyme for " + w + "."), Grammar.capital(two.get(1)) + " rhymes with " + w + ".", new Check.RhymeWord(w));
    }

    static Exercise couplet(Grammar g, List<String> family) {
        List<String> two = g.sample(family, 2);
        String first = Grammar.capital(Verse.line(two.get(0))), second = Grammar.capital(Verse.line(two.get(1)));
        return new Exercise("couplet", family.getFirst() + "/couplet", List.of("Continue the rhyme: " + first + ",", "Finish this verse: " + first + ",",
            "Give me a second line that rhymes: " + first + ",", "How can this rhyme go on? " + first + ","), second + ".", new Check.RhymeLine(two.get(0)));
    }

    static Exercise odd(Grammar g) {
        List<String> two = g.sample(List.copyOf(Words.CATEGORIES.keySet()), 2);
        List<String> words = new ArrayList<>(g.sample(Words.CATEGORIES.get(two.get(0)), 3));
        String stranger = g.pick(Words.CATEGORIES.get(two.get(1)));
        words.add(g.between(0, 3), stranger);
        String line = String.join(", ", words);
        return new Exercise("odd one out", String.join(",", words.stream().sorted().toList()), List.of("Which word does not belong: " + line + "?", "Find the odd one out: " + line + ".",
            "One word does not fit here. Which one? " + Grammar.capital(line) + ".", "Which is the odd one out: " + line + "?"),
            Grammar.capital(stranger) + " is not " + Grammar.a(Words.singular(two.get(0))) + ".");
    }

    static Exercise members(Grammar g, String category) {
        int n = g.between(2, 4);
        String number = Words.number(n);
        List<String> items = g.sample(Words.CATEGORIES.get(category), n);
        String text = Grammar.capital(Grammar.list(items)) + ".";
        return new Exercise("list", category + "/" + n, List.of("Name " + number + " " + category + ".", "List " + number + " " + category + ".",
            "Can you name " + number + " " + category + "?", "Tell me the names of " + number + " " + category + ".", "I need " + number + " " + category + ". Which ones?"),
            text, new Check.Members(category, n));
    }

    /** "Is a goose a bird?" in both answers. */
    static Exercise yesNo(Grammar g) {
        List<String> two = g.sample(List.copyOf(Words.CATEGORIES.keySet()).stream().filter(c -> !List.of("cloths", "colours", "trades", "clothes").contains(c)).toList(), 2);
        String w = g.pick(Words.CATEGORIES.get(two.get(0)));
        boolean yes = g.chance(0.5);
        String is = Grammar.a(Words.singular(two.get(0))), asked = yes ? is : Grammar.a(Words.singular(two.get(1))), one = Grammar.a(w);
        return new Exercise("yes or no", w + "?" + asked, List.of("Is " + one + " " + asked + "?", "Yes or no: is " + one + " " + asked + "?",
            "Would you say that " + one + " is " + asked + "?"), yes ? "Yes, " + one + " is " + is + "." : "No, " + one + " is " + is + ".");
    }

    private static final List<String[]> DEEDS = World.table("""
        find|found
        lose|lost
        make|made
        take|took
        bring|brought
        buy|bought
        sell|sold
        keep|kept
        cut|cut
        sew|sewed
        mend|mended
        carry|carried
        wear|wore
        tear|tore
        steal|stole
        hold|held
        draw|drew
        break|broke
        hide|hid
        see|saw
        catch|caught
        drop|dropped
        paint|painted
        wash|washed
        """);

    private static String[] sentence(Grammar g, List<World.Person> people) {
        String[] deed = g.pick(DEEDS);
        World.Person p = g.pick(people);
        String object = "the " + g.pick(Stories.OBJECT_ADJECTIVES) + " " + g.pick(g.chance(0.5) ? Stories.OBJECTS : Stories.GARMENTS);
        return new String[] {p.name(), deed[0], deed[1], object + (g.chance(0.4) ? " " + g.pick(Stories.PLACES) : "")};
    }

    static Exercise question(Grammar g, List<World.Person> people) {
        String[] s = sentence(g, people);
        String statement = s[0] + " " + s[2] + " " + s[3] + ".";
        return new Exercise("make a question", statement, List.of("Make a question: " + statement, "Turn this into a question: " + statement,
            "Rewrite as a question: " + statement, "How do you ask this? " + statement), "Did " + s[0] + " " + s[1] + " " + s[3] + "?");
    }

    static Exercise negative(Grammar g, List<World.Person> people) {
        String[] s = sentence(g, people);
        String statement = s[0] + " " + s[2] + " " + s[3] + ".";
        return new Exercise("say the contrary", statement, List.of("Say that it is not so: " + statement, "Make this sentence negative: " + statement,
            "Rewrite with the word not: " + statement, "Deny this: " + statement), s[0] + " did not " + s[1] + " " + s[3] + ".");
    }

    /** A question about a story; the phrasings differ in how story and question are put together. */
    static Exercise comprehension(Grammar g, Stories.Story story) {
        String[] q = g.pick(story.questions());
        String text = story.text();
        return new Exercise("reading", text + q[0], List.of(text + "\n" + q[0], "Read the story and answer. " + q[0] + "\n" + text,
            "Story: " + text + "\nQuestion: " + q[0], "Here is a story. " + text + "\nNow tell me: " + q[0]), q[1]);
    }

    static Exercise story(Stories.Story story) {
        String t = story.title();
        Map<String, String> v = story.values();
        List<String> parts = new ArrayList<>();
        for (String key : List.of("A", "B", "C", "o", "n", "g")) {
            String value = v.get(key);
            if (value != null && (" " + t + " ").matches(".*\\W" + value + "\\W.*")) parts.add(value);
        }
        List<String> phrasings = new ArrayList<>(List.of("Write a story about " + t + ".", "Tell me a story about " + t + ".", "Please write a short story about " + t + ".",
            "I would like to hear a story about " + t + "."));
        return new Exercise("story", t, phrasings, story.text(), new Check.Prose(List.copyOf(parts), 4, 220));
    }
}
