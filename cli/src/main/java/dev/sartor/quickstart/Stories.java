package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Tells stories of the quickstart world, with the questions each story answers. */
final class Stories {
    /** @param title what it is about, fit for "a story about ..."; @param questions pairs of question and answer */
    record Story(String title, String text, List<String[]> questions, Map<String, String> values) {}

    static final List<String> OBJECTS = World.list("""
        button|needle|thimble|ribbon|spool|key|ring|hat|glove|scarf|whistle|bell|comb|spoon|purse|doll|ball|kite|lantern
        basket|mitten|cap|cup|book|box|pin|brush|drum|flute""");
    static final List<String> OBJECT_ADJECTIVES = World.list("""
        red|blue|green|yellow|white|black|brown|grey|golden|silver|little|old|new|round|shiny|pretty""");
    static final List<String> GARMENTS = World.list("coat|cloak|shirt|dress|skirt|jacket|vest|apron|shawl|scarf|cape|jumper|hat|cap");
    private static final List<String> MENS_GARMENTS = World.list("coat|cloak|shirt|jacket|vest|scarf|cape|jumper|hat|cap");
    static final List<String> GARMENT_ADJECTIVES = World.list("red|blue|green|yellow|white|black|brown|grey|purple|orange|woollen|velvet|linen|cotton");
    static final List<String> PLACES = World.list("""
        under the bench|in the mill|by the river|behind the oven|in the hay|on the bridge|in the tall grass|under the bed
        near the well|beside the old oak|in a basket of wool|in the orchard|behind the church|under the cart|on the windowsill
        in the barn|in the garden|under the stairs|behind the door|at the town gate|in the attic|beside the pond|on the roof|under the table""");
    private static final List<String> STANDING = World.list("""
        in the mill|by the river|on the bridge|in the tall grass|near the well|beside the old oak|in the orchard|behind the church
        in the barn|in the garden|at the town gate|in the attic|beside the pond|in the bakery|at the inn|in the school""");
    private static final List<String> OUTDOORS = World.list("""
        by the river|on the bridge|near the well|beside the old oak|in the orchard|behind the church|in the garden|at the town gate
        beside the pond|under the old cart|in front of the inn|behind the mill|under the apple tree""");
    private static final List<String> INDOORS = World.list("""
        under the bench|behind the oven|under the bed|in a basket of wool|under the stairs|behind the door|in the attic|under the table
        in the kitchen|behind the curtain|in the cupboard|in the cellar""");
    private static final List<String> MOVERS = List.of("goat", "goose", "dog", "cat", "donkey", "hen", "duck", "pig", "rabbit", "fox", "crow",
        "hedgehog", "squirrel", "mouse", "sheep", "owl");
    private static final List<String> THIEVES = List.of("goat", "goose", "dog", "donkey", "pig", "crow", "squirrel", "fox", "duck");
    private static final List<Plot> PLOTS = java.util.stream.Stream.of(Plots.FIRST, Plots.SECOND, Plots.THIRD).flatMap(List::stream).toList();

    private static final Map<String, String> SHARED = Map.of(
        "when", "~[One|One|One [fine|cold|bright|grey|windy|quiet]] [morning|day|evening|afternoon|Sunday]|[Early|Late] one [morning|evening]|Last {season}|One day in [May|June|autumn|spring]|[Long ago|Once]|On a [cold|warm|windy|rainy] day",
        "when.low", "~[one [fine|cold|bright|grey|windy] [morning|day|evening|afternoon]|[early|late] one [morning|evening]|last {season}|one day in [May|June|autumn|spring]|on a [cold|warm|windy|rainy] day]",
        "night", "~[[One|One [dark|windy|quiet|cold]|Late one] night|One night last [summer|winter]]",
        "spot", "~[the market|the mill|the well|the church|the inn|the school|the bakery|the forge]",
        "spot.place", "~[the garden|the yard|the shop|the open kitchen|the workshop]",
        "neighbour", "~[the baker|the mayor|the old miller|the innkeeper|the smith|the bell ringer]",
        "season", "~[spring|summer|autumn|winter]");

    private final Grammar g;

    private final List<World.Person> people;
    private final List<World.Person> adults;
    private final List<World.Person> children;

    /** Stories in which only the given people are named (at least two adults and three children). */
    Stories(Grammar g, List<World.Person> people) {
        this.g = g;
        this.people = people;
        this.adults = people.stream().filter(p -> !p.child()).toList();
        this.children = people.stream().filter(World.Person::child).toList();
    }

    static void personSlots(Map<String, String> v, String key, World.Person p) {
        v.put(key, p.name());
        v.put(key + ".s", p.name() + "'s");
        v.put(key + ".he", p.he());
        v.put(key + ".He", Grammar.capital(p.he()));
        v.put(key + ".him", p.him());
        v.put(key + ".his", p.his());
        v.put(key + ".His", Grammar.capital(p.his()));
        v.put(key + ".title", p.title());
        v.put(key + ".street", p.street());
    }

    private static void thingSlots(Map<String, String> v, String key, String adjective, String noun) {
        v.put(key, noun);
        v.put(key + ".adj", adjective);
        v.put(key + ".a", Grammar.a(adjective + " " + noun));
        v.put(key + ".A", Grammar.capital(v.get(key + ".a")));
        v.put(key + ".the", "the " + adjective + " " + noun);
        v.put(key + ".The", "The " + adjective + " " + noun);
        v.put(key + ".my", "my " + adjective + " " + noun);
        v.put(key + ".My", "My " + adjective + " " + noun);
        v.put(key + ".this", "this " + adjective + " " + noun);
    }

    private static String pastSound(String sound) {
        if (sound.equals("makes no sound")) return "made no sound";
        String base = sound.substring(0, sound.length() - 1); // "snuffles" -> "snuffle"
        return base.endsWith("e") ? base + "d" : base + "ed";
    }

    private Map<String, String> scene() {
        Map<String, String> v = new HashMap<>(SHARED);
        List<World.Person> two = g.sample(people, 2);
        World.Person c;
        do c = g.pick(children); while (two.contains(c));
        personSlots(v, "A", two.get(0));
        personSlots(v, "B", two.get(1));
        personSlots(v, "C", c);
        thingSlots(v, "o", g.pick(OBJECT_ADJECTIVES), g.pick(OBJECTS));
        thingSlots(v, "g", g.pick(GARMENT_ADJECTIVES), g.pick(two.get(0).female() ? GARMENTS : MENS_GARMENTS));
        v.put("coat", g.pick("coat", "cloak", "jacket", "cape"));
        String colour;
        do colour = g.pick(World.COLOURS); while (colour.equals(v.get("g.adj")));
        v.put("k", colour);
        String food = g.pick(World.FOODS);
        v.put("f", food);
        v.put("f.some", List.of("pancakes", "roast nuts", "ginger biscuits").contains(food) ? "some " + food
            : switch (food) {
                case "apple pie", "honey cake", "pear tart" -> "a piece of " + food;
                case "plum jam" -> "a jar of " + food;
                case "fresh bread" -> "a loaf of fresh bread";
                case "goat cheese" -> "a round of goat cheese";
                default -> "a bowl of " + food;
            });
        List<String> places = g.sample(PLACES, 3);
        for (int i = 0; i < 3; i++) {
            v.put("p" + (i + 1), places.get(i));
            v.put("p" + (i + 1) + ".Cap", Grammar.capital(places.get(i)));
        }
        v.put("w", g.pick(STANDING));
        v.put("y", g.pick(OUTDOORS));
        v.put("y.Cap", Grammar.capital(v.get("y")));
        v.put("h", g.pick(INDOORS));
        v.put("h.Cap", Grammar.capital(v.get("h")));
        int had = g.between(3, 10), cost = g.between(2, had - 1);
        v.put("n1", Words.number(cost));
        v.put("n2", Words.number(had));
        v.put("n3", Words.number(had - cost));
        v.put("d", g.pick("chair", "cart", "gate", "ladder", "table", "wheel", "clock", "bucket", "lamp", "door"));
        v.put("tool", g.pick("a hammer", "a long nail", "a piece of rope", "a small saw", "a strong thread", "a bit of wire", "hot wax"));
        v.put("pot", g.pick("jug", "cup", "bowl", "plate", "vase", "pot"));
        return v;
    }

    private static World.Animal animal(String name) {
        return World.ANIMALS.stream().filter(a -> a.name().equals(name)).findFirst().orElseThrow();
    }

    Story tell() { return tell(g.pick(PLOTS)); }

    /** A story of the given plot. */
    Story tell(Plot plot) {
        Map<String, String> v = scene();
        boolean learn = plot.name().startsWith("how {C} learned"), theft = plot.name().startsWith("{C} and a {n} that");
        // In the storm the animal is the owner's own, as the person's description says.
        World.Animal n = animal(plot.name().contains("a storm") ? World.person(v.get("B")).pet() : g.pick(theft ? THIEVES : MOVERS));
        v.put("n", n.name());
        v.put("n.a", Grammar.a(n.name()));
        v.put("n.A", Grammar.capital(Grammar.a(n.name())));
        v.put("n.The", "The " + n.name());
        v.put("n.sound", pastSound(n.sound()));
        v.put("n.food", n.food());
        v.put("n.Plural", Grammar.capital(n.plural()));
        if (plot.name().startsWith("a gift")) { // freshly made, so not old
            thingSlots(v, "o", v.get("o.adj").equals("old") ? "new" : v.get("o.adj"), v.get("o"));
        }
        if (learn) {
            World.Person master = g.pick(adults);
            personSlots(v, "A", master);
            v.put("t.plain", master.trade().plain());
        }
        if (plot.name().contains("{A} at the market") && v.get("n3").equals("one")) {
            return tell(plot); // keeps "coins" plural without a second form
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < plot.stages().size(); i++) {
            if (plot.optional().get(i) && g.chance(0.5)) continue;
            if (!text.isEmpty()) text.append(g.chance(0.3) ? "\n" : " ");
            text.append(g.expand(g.pick(plot.stages().get(i)), v));
        }
        List<String[]> questions = new ArrayList<>();
        String told = text.toString();
        for (String[] q : plot.questions()) questions.add(new String[] {g.expand(q[0], v), g.expand(q[1], v)});
        return new Story(lower(g.expand(plot.name(), v)), told, questions, v);
    }

    // A title is used in mid-sentence; a leading name keeps its capital.
    private static String lower(String title) {
        String first = title.split("[ ,]")[0];
        return World.PEOPLE.stream().anyMatch(p -> p.name().equals(first)) ? title : Character.toLowerCase(title.charAt(0)) + title.substring(1);
    }

    static List<Plot> plots() { return PLOTS; }
}
