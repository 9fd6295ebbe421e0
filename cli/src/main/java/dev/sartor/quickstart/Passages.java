package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Descriptive texts, as an encyclopedia of Thimbleford would have them: people, animals, trades, materials, words. */
final class Passages {
    private final Grammar g;

    Passages(Grammar g) { this.g = g; }

    String passage() {
        int r = g.between(0, 99);
        if (r < 48) return person(g.pick(World.PEOPLE));
        if (r < 66) return animal(g.pick(World.ANIMALS));
        if (r < 76) return material(g.pick(World.MATERIALS));
        if (r < 84) return street(g.pick(World.STREETS));
        if (r < 92) return neighbours();
        return things();
    }

    /** A person's entry: every attribute in one of several wordings, in random order, a few left out. */
    String person(World.Person p) {
        Map<String, String> v = new HashMap<>();
        Stories.personSlots(v, "A", p);
        v.put("colour", p.colour());
        v.put("food", p.food());
        v.put("hobby", p.hobby());
        v.put("pet", Grammar.a(p.pet()));
        v.put("thepet", p.pet());
        v.put("g", g.pick("coat", "hat", "scarf", "cup"));
        List<String> first = new ArrayList<>();
        List<List<String>> rest = new ArrayList<>(); // one list of wordings for each attribute
        if (p.child()) {
            v.put("parent", p.parent());
            v.put("kind", p.female() ? "daughter" : "son");
            v.put("pa", World.person(p.parent()).female() ? "mother" : "father");
            first.add("{A} is {parent}'s {kind}. [{A.He} goes to school in Thimbleford.|]");
            first.add("{A} is one of the children of Thimbleford. {A} is {parent}'s {kind}.");
            first.add("{parent} has a [child|{kind}] called {A}. {A} is {parent}'s {kind}.");
            rest.add(List.of("{A.His} {pa} is {parent}[| and they live together]."));
        } else {
            World.Trade t = p.trade();
            v.put("trade", t.name());
            v.put("does", t.does());
            v.put("workplace", t.workplace());
            v.put("tool", t.tool());
            v.put("needs", t.needs());
            first.add("{A} is the {trade} of Thimbleford.");
            first.add("The {trade} of Thimbleford is [called|named] {A}. {A} is the {trade} of Thimbleford.");
            first.add("In Thimbleford [everybody knows {A}|there is one {trade}, and that is {A}]. {A} is the {trade} of Thimbleford.");
            rest.add(List.of("{X} {does}[| all day| from morning to night| every day| with great care| better than anyone]."));
            rest.add(List.of("{X} works {workplace}[| from early to late|, and does not mind the weather|, and sings while working].",
                "{A.His} work is done {workplace}. [{A} works {workplace}.|There {A} works every day.]"));
            rest.add(List.of("{X} uses {tool} [for the work|every day].", "For the work {X} uses {tool}.", "{X} uses {tool}, [which is old but good|and nobody else may touch it]."));
            rest.add(List.of("{X} needs {needs}[| for the work].", "[Without {needs} there is no work.|What would {A} do without {needs}?] {X} needs {needs}."));
        }
        rest.add(List.of("{X} lives in {A.street}[| in a [small|tall|yellow|quiet|old] house|, not far from the well].", "{A.His} house is in {A.street}. [{A} lives in {A.street}.|]",
            "{A} has always lived in {A.street}. {X} lives in {A.street} with {A.his} {thepet}."));
        rest.add(List.of("{X} keeps {pet}[| at home|, and the {thepet} follows {A.him} everywhere|, which sleeps beside {A.his} bed].",
            "At home {X} keeps {pet}. [{A.s} {thepet} is [old and wise|young and wild|fat and happy].|]"));
        rest.add(List.of("{A.s} favourite colour is {colour}[|, so {A.his} door is {colour}|, and {A.his} {g} is {colour} too].",
            "{A.His} favourite colour is {colour}. [Of all colours {A} likes {colour} best.|]"));
        rest.add(List.of("{X} likes to eat {food}[| most of all|, above all on Sundays| with a cup of tea].", "{A.His} favourite food is {food}. [{A} likes to eat {food}.|]"));
        rest.add(List.of("In the evening {X} likes to {hobby}.", "[When the work is done|On Sundays], {X} likes to {hobby}.", "{X} likes to {hobby}[| for fun| when there is time].",
            "{X} likes to {hobby}, and {A.s} {thepet} [comes too|does not mind]."));
        Collections.shuffle(rest, g.random());
        StringBuilder out = new StringBuilder(g.expand(g.pick(first), v));
        for (List<String> wordings : rest.subList(0, Math.min(rest.size(), g.between(5, 9)))) {
            v.put("X", g.chance(0.5) ? p.name() : p.he());
            out.append(' ').append(g.expand(g.pick(wordings), v));
        }
        if (g.chance(0.3)) out.append(' ').append(Facts.about(p).answer());
        return out.toString();
    }

    String animal(World.Animal a) {
        Map<String, String> v = new HashMap<>(Map.of("n", a.name(), "N", a.plural(), "a", Grammar.a(a.name()), "young", Grammar.a(a.young()), "sound", a.sound(),
            "food", a.food(), "home", a.home(), "cover", a.cover(), "legs", a.legs(), "gift", a.gift()));
        v.put("who", g.pick(World.PEOPLE).name());
        List<String> s = new ArrayList<>(List.of(
            "{a} lives {home}[|, where it is safe|, and you can find it there].",
            "{a} eats {food}[|, and it is never tired of it| all year round].",
            "{a} has {cover}[|, which keeps it dry|, and so it does not freeze].",
            "{a} has {legs} legs.",
            "{a} has {legs} legs and {cover}.",
            "{a} {sound}[| when it is hungry| early in the morning|, and everybody knows that sound].",
            "A young {n} is called {young}[|, and it stays near its mother].",
            "{a} gives us {gift}[|, people say].",
            "[If you hear how it {sound}|When it {sound}], you know that it is {a}.",
            "{who} once saw {a} {home}."));
        Collections.shuffle(s, g.random());
        StringBuilder out = new StringBuilder(g.expand("[This is about the {n}.|What do we know about {a}?|The children of Thimbleford know {a} well.|]", v));
        for (String line : s.subList(0, g.between(5, 8))) out.append(out.isEmpty() ? "" : " ").append(g.expand(line, v));
        return out.toString();
    }

    String material(World.Material m) {
        Map<String, String> v = Map.of("m", m.name(), "source", m.source(), "feel", m.feel(), "use", m.use(), "who", g.pick(World.ADULT_PEOPLE).name(), "kid", g.pick(World.CHILD_PEOPLE).name());
        List<String> s = new ArrayList<>(List.of(
            "{m} comes from {source}.",
            "{m} is {feel}[|, as every child knows|, and that is why people like it].",
            "{use} are made with {m}.",
            "[In Thimbleford|At the fair] you can buy {use}. {use} are made with {m}.",
            "{who} [always says|told {kid}] that {m} comes from {source}.",
            "[When you touch {m}, you feel that it is|To the hand {m} is] {feel}.",
            "\"What is made with {m}?\" asked {kid}. \"{use} are made with {m},\" said {who}."));
        Collections.shuffle(s, g.random());
        StringBuilder out = new StringBuilder();
        for (String line : s.subList(0, g.between(3, 6))) out.append(out.isEmpty() ? "" : " ").append(g.expand(line, v));
        return out.toString();
    }

    String street(String street) {
        List<World.Person> here = new ArrayList<>(World.PEOPLE.stream().filter(p -> p.street().equals(street)).toList());
        Collections.shuffle(here, g.random());
        StringBuilder out = new StringBuilder(g.expand("[Let us walk down {s}.|Who lives in {s}?|{s} is a [quiet|busy|pretty|narrow] street in Thimbleford.|[On market day|In spring|In the evening] {s} is full of life.]", Map.of("s", street)));
        for (World.Person p : here.subList(0, Math.min(here.size(), g.between(3, 6)))) {
            Map<String, String> v = new HashMap<>();
            Stories.personSlots(v, "A", p);
            v.put("pet", Grammar.a(p.pet()));
            v.put("colour", p.colour());
            v.put("who", p.child() ? p.parent() + "'s " + (p.female() ? "daughter" : "son") : "the " + p.trade().name());
            v.put("does", p.child() ? "goes to school" : p.trade().does());
            out.append(' ').append(g.expand("[{A} lives in {A.street}[| and {does}].|{A}, {who}, lives in {A.street} and keeps {pet}.|In a house with a {colour} door lives {A}, {who}.|{A} lives here too. {A.He} {does}.]", v));
        }
        return out.toString();
    }

    /** Two people compared. */
    private String neighbours() {
        List<World.Person> two = g.sample(World.PEOPLE, 2);
        World.Person a = two.get(0), b = two.get(1);
        Map<String, String> v = new HashMap<>();
        Stories.personSlots(v, "A", a);
        Stories.personSlots(v, "B", b);
        List<String> s = new ArrayList<>(List.of(
            a.name() + " lives in " + a.street() + ", " + (a.street().equals(b.street()) ? "and " + b.name() + " lives in " + b.street() + " too." : "but " + b.name() + " lives in " + b.street() + "."),
            a.name() + " keeps " + Grammar.a(a.pet()) + ", " + (a.pet().equals(b.pet()) ? "and so does " + b.name() + "." : "and " + b.name() + " keeps " + Grammar.a(b.pet()) + "."),
            a.name() + "'s favourite colour is " + a.colour() + ", and " + b.name() + "'s favourite colour is " + b.colour() + ".",
            a.name() + " likes to eat " + a.food() + ", and " + b.name() + " likes to eat " + b.food() + ".",
            a.name() + " likes to " + a.hobby() + ", and " + b.name() + " likes to " + b.hobby() + "."));
        if (!a.child() && !b.child()) {
            s.add(a.name() + " is the " + a.trade().name() + " of Thimbleford, and " + b.name() + " is the " + b.trade().name() + ".");
            s.add(a.name() + " " + a.trade().does() + ", and " + b.name() + " " + b.trade().does() + ".");
            s.add(a.name() + " works " + a.trade().workplace() + ", and " + b.name() + " works " + b.trade().workplace() + ".");
        }
        Collections.shuffle(s, g.random());
        return g.expand("[{A} and {B} know each other well.|{A} and {B} are [good friends|old friends].|{A} often [meets|visits] {B}.|What do {A} and {B} do?]", v) + " " + String.join(" ", s.subList(0, g.between(3, 5)));
    }

    /** Colours and kinds of things. */
    private String things() {
        StringBuilder out = new StringBuilder();
        if (g.chance(0.5)) {
            out.append(g.pick("Look around in Thimbleford.", "Every thing has its colour.", "Emil, the painter, knows all colours."));
            for (String[] c : g.sample(World.THING_COLOURS, g.between(4, 8))) out.append(' ').append(Grammar.capital(c[0])).append(" is ").append(c[2]).append('.');
        } else {
            for (String category : g.sample(List.copyOf(Words.CATEGORIES.keySet()), g.between(2, 3))) {
                List<String> m = g.sample(Words.CATEGORIES.get(category), g.between(2, 4));
                out.append(out.isEmpty() ? "" : " ");
                out.append(switch (g.between(0, 2)) {
                    case 0 -> "There are many " + category + ", such as " + Grammar.list(m) + ".";
                    case 1 -> Grammar.capital(Grammar.list(m)) + " are " + category + ".";
                    default -> "Here are " + Words.number(m.size()) + " " + category + ": " + Grammar.list(m) + ".";
                });
            }
        }
        return out.toString();
    }
}
