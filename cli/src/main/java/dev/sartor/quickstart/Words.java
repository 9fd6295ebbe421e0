package dev.sartor.quickstart;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Word knowledge of the quickstart world: opposites, plurals, verb forms, rhymes, categories, numbers, calendar. */
public final class Words {
    private Words() {}

    /** Pairs; each word occurs in one pair only, so an opposite is unique in both directions. */
    public static final List<String[]> OPPOSITES = World.table("""
        hot|cold
        big|small
        fast|slow
        day|night
        open|shut
        happy|sad
        wet|dry
        up|down
        full|empty
        hard|soft
        old|new
        light|dark
        clean|dirty
        long|short
        rich|poor
        loud|quiet
        first|last
        strong|weak
        thick|thin
        high|low
        near|far
        early|late
        sweet|sour
        rough|smooth
        wide|narrow
        good|bad
        left|right
        push|pull
        buy|sell
        give|take
        lose|find
        summer|winter
        brave|timid
        friend|enemy
        awake|asleep
        north|south
        east|west
        inside|outside
        above|below
        before|after
        always|never
        begin|finish
        question|answer
        laugh|cry
        love|hate
        sharp|blunt
        tight|loose
        deep|shallow
        tame|wild
        lazy|busy
        cheap|costly
        whole|broken
        straight|crooked
        polite|rude
        ugly|pretty
        true|false
        more|less
        remember|forget
        """);

    /** Singular and plural. */
    public static final List<String[]> PLURALS = World.table("""
        goose|geese
        mouse|mice
        foot|feet
        tooth|teeth
        child|children
        man|men
        woman|women
        sheep|sheep
        leaf|leaves
        knife|knives
        loaf|loaves
        wolf|wolves
        shelf|shelves
        scarf|scarves
        fox|foxes
        box|boxes
        dress|dresses
        brush|brushes
        church|churches
        peach|peaches
        berry|berries
        cherry|cherries
        pony|ponies
        story|stories
        puppy|puppies
        lady|ladies
        button|buttons
        needle|needles
        coat|coats
        hat|hats
        spool|spools
        ribbon|ribbons
        apple|apples
        basket|baskets
        candle|candles
        hen|hens
        duck|ducks
        tailor|tailors
        baker|bakers
        glove|gloves
        bench|benches
        patch|patches
        stitch|stitches
        bush|bushes
        penny|pennies
        daisy|daisies
        key|keys
        donkey|donkeys
        """);

    /** Verbs: base form and simple past. */
    public static final List<String[]> VERBS = World.table("""
        go|went
        see|saw
        find|found
        lose|lost
        make|made
        take|took
        give|gave
        bring|brought
        buy|bought
        sell|sold
        tell|told
        say|said
        run|ran
        sing|sang
        swim|swam
        begin|began
        drink|drank
        eat|ate
        sleep|slept
        keep|kept
        leave|left
        weave|wove
        spin|spun
        cut|cut
        sew|sewed
        mend|mended
        bake|baked
        carry|carried
        hurry|hurried
        stop|stopped
        knock|knocked
        laugh|laughed
        write|wrote
        ride|rode
        break|broke
        speak|spoke
        steal|stole
        wear|wore
        tear|tore
        fly|flew
        grow|grew
        know|knew
        throw|threw
        draw|drew
        catch|caught
        teach|taught
        think|thought
        build|built
        hold|held
        stand|stood
        fall|fell
        feel|felt
        hide|hid
        hear|heard
        come|came
        sit|sat
        """);

    /** Families of rhyming words. */
    public static final List<List<String>> RHYMES = World.table("""
        cat|hat|mat|bat
        house|mouse|blouse
        thread|bed|bread|red
        coat|goat|boat|note
        spool|wool|pool
        sheep|sleep|deep|keep
        night|light|bright|white
        king|ring|spring|sing
        town|gown|brown|down
        lace|face|place|race
        hen|pen|ten|men
        bell|well|shell|tell
        tree|bee|knee|tea
        moon|spoon|noon|tune
        rain|lane|train|plain
        sock|clock|rock|block
        day|hay|play|grey
        door|floor|four|store
        pie|sky|high|fly
        cake|lake|snake|bake
        snow|bow|row|grow
        pail|tail|snail|sail
        dog|frog|log|fog
        pig|wig|twig|big
        """).stream().map(List::of).toList();

    /** The words that rhyme with this one, itself excluded. */
    static List<String> rhyming(String word) {
        return RHYMES.stream().filter(f -> f.contains(word)).flatMap(List::stream).filter(w -> !w.equals(word)).toList();
    }

    /** Categories and members (singular nouns without article). No word is in two categories. */
    public static final Map<String, List<String>> CATEGORIES = categories();

    private static Map<String, List<String>> categories() {
        Map<String, List<String>> m = new LinkedHashMap<>();
        for (String[] row : World.table("""
            animals|cat|dog|goat|cow|horse|pig|rabbit|sheep|donkey|fox
            birds|hen|goose|duck|owl|crow|swan
            tools|hammer|saw|axe|spade|needle|brush|ladle|plough
            clothes|coat|hat|shirt|dress|scarf|glove|sock|skirt|apron|cloak
            colours|red|blue|green|yellow|white|black|brown|purple
            fruits|apple|pear|plum|cherry|peach|lemon|grape
            cloths|wool|linen|silk|cotton|velvet|felt|canvas
            trades|baker|tailor|weaver|smith|potter|miller|cobbler|farmer
            vegetables|carrot|pea|onion|cabbage|turnip|bean|leek
            dishes|cup|plate|bowl|jug|pot|pan
            flowers|rose|poppy|daisy|tulip|violet|lily
            """)) {
            List<String> members = new ArrayList<>(List.of(row));
            m.put(members.removeFirst(), List.copyOf(members));
        }
        return java.util.Collections.unmodifiableMap(m);
    }

    /** "animal" for "animals"; "dish" for "dishes". */
    public static String singular(String category) {
        return switch (category) {
            case "dishes" -> "dish";
            case "clothes" -> "piece of clothing";
            default -> category.substring(0, category.length() - 1);
        };
    }

    private static final String[] NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen "
        + "fourteen fifteen sixteen seventeen eighteen nineteen twenty").split(" ");

    /** The word for 0..20. */
    public static String number(int n) {
        if (n < 0 || n >= NUMBERS.length) throw new IllegalArgumentException("number " + n + " is outside 0..20");
        return NUMBERS[n];
    }

    public static final List<String> DAYS = World.list("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday");
    public static final List<String> MONTHS = World.list(
        "January|February|March|April|May|June|July|August|September|October|November|December");

    /** Things that can be counted, plural. */
    public static final List<String> COUNTABLE = World.list("buttons|needles|apples|spools|hats|hens|candles|ribbons|pears|coins|eggs|loaves");
}
