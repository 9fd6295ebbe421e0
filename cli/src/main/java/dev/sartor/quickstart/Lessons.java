package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** School scenes in which somebody asks and somebody answers: the world's knowledge in dialogue. */
final class Lessons {
    private final Grammar g;
    private final Stories stories;
    private final List<Exercise> people = World.PEOPLE.stream().flatMap(p -> java.util.stream.Stream.concat(Facts.person(p).stream(),
        java.util.stream.Stream.of(Facts.about(p), Facts.about(p)))).toList();
    private final List<Exercise> animals = Facts.animals();
    private final List<Exercise> materials = Facts.materials();
    private final List<Exercise> colours = Facts.colours();
    private final List<Exercise> opposites = Skills.opposites();
    private final List<Exercise> plurals = Skills.plurals();
    private final List<Exercise> verbs = Skills.verbs();
    private final List<Exercise> sums = Skills.sums();
    private final List<Exercise> calendar = Skills.calendar();

    Lessons(Grammar g, Stories stories) {
        this.g = g;
        this.stories = stories;
    }

    String lesson() {
        return switch (g.between(0, 15)) {
            case 0, 1, 2 -> scene("the people of Thimbleford", () -> g.pick(people));
            case 3 -> scene("animals", () -> g.pick(animals));
            case 4 -> scene("the things that people make and use", () -> g.pick(g.chance(0.7) ? materials : colours));
            case 5, 6 -> scene("opposites", () -> g.pick(opposites));
            case 7 -> scene("words for one and for many", () -> g.pick(plurals));
            case 8 -> scene("words for the past", () -> g.pick(verbs));
            case 9 -> scene("numbers", () -> g.pick(sums));
            case 10 -> scene("the days and the months", () -> g.pick(calendar));
            case 11 -> scene("rhymes", () -> g.chance(0.6) ? Skills.rhyme(g, g.pick(Words.RHYMES)) : Skills.couplet(g, g.pick(Words.RHYMES)));
            case 12 -> scene("words that belong together", () -> g.chance(0.6) ? Skills.odd(g) : Skills.yesNo(g));
            case 13 -> scene("the names of things", () -> Skills.members(g, g.pick(List.copyOf(Words.CATEGORIES.keySet()))));
            case 14 -> scene("sentences", () -> g.chance(0.5) ? Skills.question(g, World.PEOPLE) : Skills.negative(g, World.PEOPLE));
            default -> scene("this and that", () -> g.pick(g.pick(people, animals, materials, opposites, sums, calendar)));
        };
    }

    /** A story, then questions about it. */
    String reading() {
        Stories.Story s = stories.tell();
        StringBuilder out = new StringBuilder(g.pick("", "", "", "Story: ", "Read the story and answer.\n")).append(s.text()).append('\n');
        out.append(g.pick("Clara closed the book.", "That was the story.", "The children had listened well.", "\"Now let me ask you something,\" said Clara.", "\"Did you read the story?\" asked Clara. \"Then answer my question.\"", "Now tell me:", "Question:", ""));
        for (String[] q : g.sample(s.questions(), Math.min(s.questions().size(), g.between(2, 3)))) {
            out.append(out.charAt(out.length() - 1) == '\n' ? "" : " ").append(exchange(q[0], q[1]));
        }
        return out.toString();
    }

    /** Somebody asks for a story about something, and gets it. */
    String request() {
        Stories.Story s = stories.tell();
        Exercise e = Skills.story(s);
        List<World.Person> two = g.sample(World.PEOPLE, 2);
        String wish = g.pick(e.phrasings());
        Map<String, String> v = Map.of("wish", wish.substring(0, wish.length() - 1), "A", two.get(0).name(), "B", two.get(1).name());
        return g.expand("\"{wish},\" said {A}. [{B} [nodded|thought for a while|smiled] and began.|So {B} wrote it down, and this is the story.|And {B} did. Here is the story.]", v)
            + "\n" + s.text();
    }

    /** Two to four couplets. */
    String verse() {
        StringBuilder out = new StringBuilder();
        for (List<String> family : g.sample(Words.RHYMES, g.between(2, 4))) {
            List<String> two = g.sample(family, 2);
            out.append(out.isEmpty() ? "" : "\n").append(Verse.couplet(two.get(0), two.get(1)));
        }
        return out.toString();
    }

    private String scene(String topic, Supplier<Exercise> next) {
        Map<String, String> v = Map.of("topic", topic, "kid", g.pick(World.CHILD_PEOPLE).name());
        StringBuilder out = new StringBuilder(g.expand("[In Clara's school the children [learned|talked] about {topic}.|[Today|This morning|After the break] the lesson was about {topic}.|{kid} [liked|loved] the lesson about {topic}.|It was raining, and the children sat in school and learned about {topic}.|]", v));
        List<String> seen = new ArrayList<>();
        for (int i = g.between(4, 7); i > 0; i--) {
            Exercise e = next.get();
            if (seen.contains(e.key())) continue;
            seen.add(e.key());
            out.append(out.isEmpty() ? "" : " ").append(exchange(g.chance(0.5) ? e.phrasings().getFirst() : g.pick(e.phrasings()), e.answer()));
        }
        return out.toString();
    }

    private String exchange(String question, String answer) {
        List<World.Person> two = g.sample(World.CHILD_PEOPLE, 2);
        String asker = g.chance(0.7) ? "Clara" : two.get(0).name(), kid = g.chance(0.2) && !asker.equals("Clara") ? "Clara" : two.get(1).name();
        // "Name two birds." and "Is it so?" both stand before 'asked'; only a full stop turns into a comma there.
        String q = question.endsWith(".") ? question.substring(0, question.length() - 1) + "," : question; // a verse ends with ',' already
        String a = answer.endsWith(".") ? answer.substring(0, answer.length() - 1) + "," : answer;
        String verb = question.endsWith("?") ? "asked" : "said";
        return switch (g.between(0, 4)) {
            case 0 -> "\"" + q + "\" " + verb + " " + asker + ". \"" + a + "\" said " + kid + ".";
            case 1 -> "\"" + q + "\" " + verb + " " + asker + ". " + kid + " knew the answer. \"" + answer + "\"";
            case 2 -> asker + " " + (question.endsWith("?") ? "asked" : "said") + ", \"" + question + "\" And " + kid + " answered, \"" + answer + "\"";
            case 3 -> "\"" + question + "\"\n\"" + answer + "\"";
            default -> "\"" + q + "\" " + verb + " " + asker + ". \"" + a + "\" said " + kid + ". \"" + g.pick("That is right", "Very good", "Well done", "Quite so") + ",\" said " + asker + ".";
        };
    }
}
