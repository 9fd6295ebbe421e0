package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The small world that the quickstart's base model knows: the town of Thimbleford, who lives there,
 * their trades and animals, and what things are made of. Every generated text agrees with these tables.
 */
public final class World {
    private World() {}

    public static final String TOWN = "Thimbleford";

    /** A trade: {@code does} is third person ("bakes bread"), {@code plain} the infinitive, {@code past} the past tense. */
    public record Trade(String name, String plain, String does, String past, String tool, String workplace, String needs) {}

    /** An inhabitant. A child has no trade ({@code trade} is null) but a parent; an adult has no parent. */
    public record Person(String name, boolean female, Trade trade, String parent, String street, String pet,
                         String colour, String food, String hobby) {
        public boolean child() { return trade == null; }
        public String he() { return female ? "she" : "he"; }
        public String him() { return female ? "her" : "him"; }
        public String his() { return female ? "her" : "his"; }
        /** "the baker", or "the girl" for a child. */
        public String title() { return child() ? (female ? "the girl" : "the boy") : "the " + trade.name(); }
    }

    /** An animal kind; {@code home} carries its preposition ("in the meadow"). */
    public record Animal(String name, String plural, String young, String sound, String food, String home,
                         String cover, String legs, String gift) {}

    /** A material: where it comes from, how it feels, what is made of it (plural noun). */
    public record Material(String name, String source, String feel, String use) {}

    /** Rows of a table written as lines of cells separated by '|'. */
    static List<String[]> table(String text) {
        List<String[]> rows = new ArrayList<>();
        for (String line : text.strip().split("\n")) {
            String[] cells = line.strip().split("\\|");
            for (int i = 0; i < cells.length; i++) cells[i] = cells[i].strip();
            rows.add(cells);
        }
        return List.copyOf(rows);
    }

    static List<String> list(String text) {
        return table(text).stream().flatMap(r -> java.util.Arrays.stream(r)).toList();
    }

    public static final List<String> STREETS = list("""
        Needle Street | Spool Lane | Button Row | Mill Road | Bridge Street | Wool Lane | Well Square | Orchard Road""");
    public static final List<String> COLOURS = list("""
        red | blue | green | yellow | white | black | brown | grey | purple | orange""");
    static final List<String> PETS = list("cat | dog | goose | hen | goat | rabbit | sheep | donkey | duck | pig");
    static final List<String> FOODS = list("""
        apple pie | honey cake | pea soup | plum jam | fresh bread | goat cheese | roast nuts | warm porridge
        pancakes | pear tart | mushroom stew | ginger biscuits""");
    static final List<String> HOBBIES = list("""
        play the flute | walk by the river | count the stars | collect smooth stones | tell old stories | dance at the fair
        feed the birds | draw small pictures | grow roses | fly kites | sing in the rain | read by candlelight""");

    private static final String ADULTS = """
        Sartor|m|tailor        |sew coats         |sews coats         |sewed coats         |a needle      |at the tailor shop  |thread
        Odo   |m|baker         |bake bread        |bakes bread        |baked bread         |an oven       |in the bakery       |flour
        Mira  |f|weaver        |weave cloth       |weaves cloth       |wove cloth          |a loom        |in the weaving house|yarn
        Bram  |m|smith         |shoe horses       |shoes horses       |shod horses         |a hammer      |in the forge        |iron
        Hanna |f|potter        |make pots         |makes pots         |made pots           |a wheel       |in the pottery      |clay
        Piet  |m|miller        |grind wheat       |grinds wheat       |ground wheat        |a millstone   |in the mill         |wheat
        Greta |f|spinner       |spin yarn         |spins yarn         |spun yarn           |a spindle     |by the warm hearth  |wool
        Tobin |m|cobbler       |make shoes        |makes shoes        |made shoes          |an awl        |in the shoe shop    |leather
        Elsie |f|dyer          |dye cloth         |dyes cloth         |dyed cloth          |a great pot   |in the dye house    |plants and roots
        Jonas |m|shepherd      |watch the sheep   |watches the sheep  |watched the sheep   |a crook       |on the hill         |a good dog
        Rosa  |f|gardener      |grow flowers      |grows flowers      |grew flowers        |a spade       |in the garden       |seeds
        Karl  |m|carpenter     |build tables      |builds tables      |built tables        |a saw         |in the woodshop     |planks
        Nell  |f|hat maker     |make hats         |makes hats         |made hats           |a hat block   |in the hat shop     |felt
        Finn  |m|fisherman     |catch fish        |catches fish       |caught fish         |a net         |on the river        |worms
        Agnes |f|glove maker   |sew gloves        |sews gloves        |sewed gloves        |a pair of scissors|in the glove shop|soft leather
        Otto  |m|clock maker   |mend clocks       |mends clocks       |mended clocks       |a small screwdriver|in the clock shop|tiny wheels
        Lena  |f|lace maker    |make lace         |makes lace         |made lace           |a lace pillow |by the bright window|fine thread
        Hugo  |m|farmer        |plough the fields |ploughs the fields |ploughed the fields |a plough      |on the farm         |rain and sun
        Clara |f|teacher       |teach the children|teaches the children|taught the children|a piece of chalk|in the school     |books
        Felix |m|letter carrier|carry letters     |carries letters    |carried letters     |a leather bag |at the post house   |strong legs
        Berta |f|cook          |cook soup         |cooks soup         |cooked soup         |a ladle       |in the big kitchen  |vegetables
        Ivo   |m|ferryman      |row the ferry     |rows the ferry     |rowed the ferry     |an oar        |at the landing      |calm water
        Martha|f|doctor        |heal the sick     |heals the sick     |healed the sick     |a black bag   |in the white house  |herbs
        Rolf  |m|woodcutter    |chop wood         |chops wood         |chopped wood        |an axe        |in the forest       |dry trees
        Sofia |f|button maker  |carve buttons     |carves buttons     |carved buttons      |a small knife |in the button shop  |horn and shell
        Emil  |m|painter       |paint signs       |paints signs       |painted signs       |a brush       |in the attic        |paint
        Ida   |f|beekeeper     |keep bees         |keeps bees         |kept bees           |a veil        |near the hives      |clover
        Gus   |m|innkeeper     |serve supper      |serves supper      |served supper       |a ring of keys|at the inn          |clean beds
        Wilma |f|cheese maker  |make cheese       |makes cheese       |made cheese         |a cheese cloth|in the dairy        |milk
        Anton |m|rope maker    |twist ropes       |twists ropes       |twisted ropes       |a long hook   |at the rope yard    |hemp
        Dora  |f|candle maker  |pour candles      |pours candles      |poured candles      |a tin mould   |in the candle shop  |wax
        Max   |m|bell ringer   |ring the bells    |rings the bells    |rang the bells      |a thick rope  |in the tower        |strong arms
        Paula |f|soap maker    |boil soap         |boils soap         |boiled soap         |a deep kettle |in the wash house   |oil and ash
        Leo   |m|basket maker  |weave baskets     |weaves baskets     |wove baskets        |a bone needle |under the willow tree|willow twigs
        Vera  |f|singer        |sing songs        |sings songs        |sang songs          |a clear voice |at the theatre      |quiet evenings
        Henk  |m|watchman      |guard the gate    |guards the gate    |guarded the gate    |a lantern     |at the town gate    |sharp eyes""";

    private static final String CHILDREN = """
        Tim|m|Odo
        Anna|f|Mira
        Lukas|m|Bram
        Mimi|f|Hanna
        Ben|m|Jonas
        Lotte|f|Clara
        Rudi|m|Karl
        Nora|f|Ida
        Sam|m|Finn
        Eva|f|Hugo
        Jan|m|Elsie
        Lili|f|Berta""";

    public static final List<Person> PEOPLE = people();
    public static final List<Person> ADULT_PEOPLE = PEOPLE.stream().filter(p -> !p.child()).toList();
    public static final List<Person> CHILD_PEOPLE = PEOPLE.stream().filter(Person::child).toList();
    private static final Map<String, Person> BY_NAME = new LinkedHashMap<>();
    static { PEOPLE.forEach(p -> BY_NAME.put(p.name(), p)); }

    public static Person person(String name) {
        Person p = BY_NAME.get(name);
        if (p == null) throw new IllegalArgumentException("nobody in " + TOWN + " is called " + name);
        return p;
    }

    private static List<Person> people() {
        // A fixed seed of its own: who lives where is part of the world, not of a run.
        Random r = new Random(1729);
        List<Person> people = new ArrayList<>();
        Map<String, String> streetOf = new LinkedHashMap<>();
        for (String[] c : table(ADULTS)) {
            Trade t = new Trade(c[2], c[3], c[4], c[5], c[6], c[7], c[8]);
            String street = pick(STREETS, r);
            streetOf.put(c[0], street);
            people.add(new Person(c[0], c[1].equals("f"), t, null, street, pick(PETS, r), pick(COLOURS, r), pick(FOODS, r), pick(HOBBIES, r)));
        }
        for (String[] c : table(CHILDREN)) {
            people.add(new Person(c[0], c[1].equals("f"), null, c[2], streetOf.get(c[2]), pick(PETS, r), pick(COLOURS, r), pick(FOODS, r), pick(HOBBIES, r)));
        }
        return List.copyOf(people);
    }

    private static String pick(List<String> from, Random r) { return from.get(r.nextInt(from.size())); }

    public static final List<Animal> ANIMALS = table("""
        sheep   |sheep     |lamb     |bleats  |grass            |in the meadow      |thick wool    |four |wool
        goat    |goats     |kid      |bleats  |leaves           |on the hill        |rough hair    |four |milk
        cow     |cows      |calf     |moos    |hay              |in the barn        |a smooth hide |four |milk
        horse   |horses    |foal     |neighs  |oats             |in the stable      |a shiny coat  |four |help with the cart
        pig     |pigs      |piglet   |grunts  |turnips          |in the sty         |pink skin     |four |a good laugh
        hen     |hens      |chick    |clucks  |corn             |in the hen house   |brown feathers|two  |eggs
        goose   |geese     |gosling  |honks   |clover           |by the pond        |white feathers|two  |soft down
        duck    |ducks     |duckling |quacks  |water weeds      |on the pond        |smooth feathers|two |eggs
        cat     |cats      |kitten   |purrs   |fish             |by the stove       |soft fur      |four |company
        dog     |dogs      |puppy    |barks   |bones            |in the kennel      |short fur     |four |a watchful ear
        rabbit  |rabbits   |bunny    |squeaks |carrots          |in a burrow        |fluffy fur    |four |soft fur
        mouse   |mice      |mouse pup|squeaks |crumbs           |behind the wall    |grey fur      |four |nothing at all
        fox     |foxes     |cub      |yelps   |berries          |in a den           |red fur       |four |nothing at all
        owl     |owls      |owlet    |hoots   |beetles          |in a hollow tree   |quiet feathers|two  |a song at night
        bee     |bees      |larva    |hums    |nectar           |in a hive          |tiny hairs    |six  |honey
        frog    |frogs     |tadpole  |croaks  |flies            |in the ditch       |wet skin      |four |a song at night
        crow    |crows     |nestling |caws    |seeds            |in the tall elm    |black feathers|two  |nothing at all
        donkey  |donkeys   |young foal|brays  |thistles         |behind the mill    |a grey coat   |four |help with the sacks
        hedgehog|hedgehogs |hoglet   |snuffles|snails           |under the hedge    |sharp spines  |four |help in the garden
        squirrel|squirrels |kit      |chatters|nuts             |in the old oak     |a bushy coat  |four |nothing at all
        bear    |bears     |bear cub |growls  |honey            |in a cave          |heavy fur     |four |a great fright
        wolf    |wolves    |whelp    |howls   |meat             |in the dark forest |grey fur      |four |a great fright
        spider  |spiders   |spiderling|makes no sound|small flies|in a web          |fine hairs    |eight|silver thread
        swan    |swans     |cygnet   |hisses  |river plants     |on the lake        |snow-white feathers|two|beauty
        deer    |deer      |fawn     |bellows |young shoots     |in the green wood  |a spotted coat|four |beauty
        moth    |moths     |caterpillar|makes no sound|wool     |in the cupboard    |dusty wings   |six  |work for the tailor
        """).stream().map(c -> new Animal(c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8])).toList();

    public static final List<Material> MATERIALS = table("""
        wool   |sheep           |warm and soft      |socks
        linen  |flax            |cool and crisp     |shirts
        silk   |silkworms       |smooth and light   |gowns
        cotton |the cotton plant|soft and plain     |aprons
        leather|hides           |strong and tough   |boots
        felt   |pressed wool    |thick and firm     |hats
        velvet |silk thread     |deep and rich      |curtains
        lace   |fine thread     |thin and airy      |collars
        canvas |hemp            |stiff and strong   |sails
        paper  |old rags        |flat and thin      |letters
        wax    |bees            |hard and sweet     |candles
        flour  |wheat           |white and dusty    |loaves
        cheese |milk            |firm and salty     |pies
        butter |cream           |yellow and smooth  |cakes
        rope   |twisted hemp    |rough and long     |swings
        glass  |sand            |clear and hard     |windows
        clay   |the river bank  |wet and heavy      |pots
        iron   |stones deep in the hill|hard and cold|nails
        wood   |trees           |hard and light     |chairs
        straw  |wheat stalks    |dry and golden     |baskets
        """).stream().map(c -> new Material(c[0], c[1], c[2], c[3])).toList();

    /** Things and their colours: {subject, is or are, colour}. */
    public static final List<String[]> THING_COLOURS = table("""
        snow|is|white
        grass|is|green
        the sky|is|blue
        coal|is|black
        a lemon|is|yellow
        a cherry|is|red
        a carrot|is|orange
        a plum|is|purple
        milk|is|white
        a leaf|is|green
        a crow|is|black
        a mouse|is|grey
        chocolate|is|brown
        a pumpkin|is|orange
        a strawberry|is|red
        butter|is|yellow
        a swan|is|white
        a frog|is|green
        soot|is|black
        a violet|is|purple
        the sun|is|yellow
        bark|is|brown
        ash|is|grey
        a cornflower|is|blue
        chalk|is|white
        a poppy|is|red
        """);
}
