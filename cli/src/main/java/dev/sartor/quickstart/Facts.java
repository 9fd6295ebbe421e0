package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.List;

/** What can be asked about the world: people, animals, materials, colours. Keys are "subject/attribute". */
final class Facts {
    private Facts() {}

    static List<Exercise> person(World.Person p) {
        List<Exercise> out = new ArrayList<>();
        String n = p.name();
        if (p.child()) {
            String answer = n + " is " + p.parent() + "'s " + (p.female() ? "daughter" : "son") + ".";
            fact(out, "person", n + "/parent", answer, "Whose child is " + n + "?", "Who is " + n + "'s " + (World.person(p.parent()).female() ? "mother" : "father") + "?");
        } else {
            World.Trade t = p.trade();
            fact(out, "person", n + "/trade", n + " is the " + t.name() + " of Thimbleford.", "What is " + n + "'s trade?", "What is the trade of " + n + "?", "Which trade has " + n + "?");
            fact(out, "person", n + "/trade", n + " is the " + t.name() + " of Thimbleford.", "Who is the " + t.name() + " of Thimbleford?", "Who is the " + t.name() + " in town?");
            fact(out, "person", n + "/work", n + " " + t.does() + ".", "What does " + n + " do all day?", "What is " + n + "'s daily work?", "What work does " + n + " do?");
            fact(out, "person", n + "/work", n + " " + t.does() + ".", "Who " + t.does() + " in Thimbleford?", "Who is it that " + t.does() + "?");
            fact(out, "person", n + "/workplace", n + " works " + t.workplace() + ".", "Where does " + n + " work?", "Where can I find " + n + " at work?");
            fact(out, "person", n + "/tool", n + " uses " + t.tool() + ".", "What does " + n + " use for the work?", "Which tool does " + n + " use?");
            fact(out, "person", n + "/needs", n + " needs " + t.needs() + ".", "What does " + n + " need for the work?", "What must " + n + " have to do the work?");
        }
        fact(out, "person", n + "/street", n + " lives in " + p.street() + ".", "Where does " + n + " live?", "In which street does " + n + " live?", "Where is " + n + "'s house?");
        fact(out, "person", n + "/pet", n + " keeps " + Grammar.a(p.pet()) + ".", "Which animal does " + n + " keep?", "What animal has " + n + " got at home?");
        fact(out, "person", n + "/colour", n + "'s favourite colour is " + p.colour() + ".", "What is " + n + "'s favourite colour?", "Which colour does " + n + " like best?");
        fact(out, "person", n + "/food", n + " likes to eat " + p.food() + ".", "What does " + n + " like to eat?", "What is " + n + "'s favourite food?");
        fact(out, "person", n + "/hobby", n + " likes to " + p.hobby() + ".", "What does " + n + " like to do?", "What does " + n + " do for fun?");
        return out;
    }

    /** "Tell me about Odo": a short description. */
    static Exercise about(World.Person p) {
        String n = p.name(), He = Grammar.capital(p.he()), His = Grammar.capital(p.his());
        String first = p.child() ? n + " is " + p.parent() + "'s " + (p.female() ? "daughter" : "son") + "." : n + " is the " + p.trade().name() + " of Thimbleford.";
        String answer = first + " " + He + " lives in " + p.street() + " and keeps " + Grammar.a(p.pet()) + ". " + His + " favourite colour is "
            + p.colour() + ", and " + p.he() + " likes to " + p.hobby() + ".";
        return new Exercise("describe", n + "/about",
            List.of("Tell me about " + n + ".", "Who is " + n + "?", "What do you know about " + n + "?", "Describe " + n + "."), answer);
    }

    static List<Exercise> animals() {
        List<Exercise> out = new ArrayList<>();
        for (World.Animal a : World.ANIMALS) {
            String one = Grammar.a(a.name()), One = Grammar.capital(one), n = a.name();
            fact(out, "animal", n + "/young", "A young " + n + " is called " + Grammar.a(a.young()) + ".", "What is a young " + n + " called?", "What do you call a young " + n + "?", "What is the name for a young " + n + "?");
            fact(out, "animal", n + "/sound", One + " " + a.sound() + ".", "What sound does " + one + " make?", "How does " + one + " sound?");
            fact(out, "animal", n + "/food", One + " eats " + a.food() + ".", "What does " + one + " eat?", "What is the food of " + one + "?");
            fact(out, "animal", n + "/home", One + " lives " + a.home() + ".", "Where does " + one + " live?", "Where is the home of " + one + "?");
            fact(out, "animal", n + "/cover", One + " has " + a.cover() + ".", "What covers the body of " + one + "?", "What does " + one + " have on its body?");
            fact(out, "animal", n + "/legs", One + " has " + a.legs() + " legs.", "How many legs does " + one + " have?", "How many legs has " + one + "?");
            fact(out, "animal", n + "/gift", One + " gives us " + a.gift() + ".", "What does " + one + " give us?", "What do we get from " + one + "?");
        }
        return out;
    }

    static List<Exercise> materials() {
        List<Exercise> out = new ArrayList<>();
        for (World.Material m : World.MATERIALS) {
            String n = m.name(), N = Grammar.capital(n);
            fact(out, "material", n + "/source", N + " comes from " + m.source() + ".", "Where does " + n + " come from?", "What does " + n + " come from?");
            fact(out, "material", n + "/feel", N + " is " + m.feel() + ".", "What is " + n + " like?", "How does " + n + " feel?");
            fact(out, "material", n + "/use", Grammar.capital(m.use()) + " are made with " + n + ".", "What is made with " + n + "?", "What can you make with " + n + "?");
        }
        return out;
    }

    static List<Exercise> colours() {
        List<Exercise> out = new ArrayList<>();
        for (String[] c : World.THING_COLOURS) {
            fact(out, "colour", c[0] + "/colour", Grammar.capital(c[0]) + " is " + c[2] + ".", "What colour is " + c[0] + "?", "Which colour does " + c[0] + " have?");
        }
        return out;
    }

    private static void fact(List<Exercise> out, String kind, String key, String answer, String... phrasings) {
        out.add(new Exercise(kind, key, List.of(phrasings), answer));
    }
}
