package dev.sartor.quickstart;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Lines of verse, one for each rhyming word: any two lines of one rhyme family make a couplet. */
final class Verse {
    private Verse() {}

    private static final Map<String, String> LINES = new LinkedHashMap<>();
    static {
        for (String line : World.list("""
            beside the oven sleeps a cat|the tailor made a tall new hat|the dog lay down upon the mat|above the roof there flew a bat
            a lantern shines in every house|below the floor there lives a mouse|she washed and pressed her yellow blouse
            the needle pulls a silver thread|the little boy is now in bed|the baker sells us warm brown bread|the apples on the tree are red
            the tailor cuts a winter coat|upon the hill there stands a goat|the ferryman has tied his boat|the singer holds a long high note
            the thread runs off the wooden spool|the shepherd sells his softest wool|the ducklings swim across the pool
            the shepherd counts his woolly sheep|the tired children go to sleep|the snow is lying white and deep|this golden coin is mine to keep
            the watchman walks the town at night|the candle gives a gentle light|the stars above the mill are bright|the geese beside the pond are white
            the old clock maker met a king|and in the grass there lay a ring|the swallows all come back in spring|the birds and I begin to sing
            the road goes winding to the town|she wore a long and velvet gown|the chestnut leaves are turning brown|the rain is slowly coming down
            the collar has a trim of lace|the baby has a smiling face|put every needle in its place|the children run a merry race
            across the yard there runs a hen|the teacher took her ink and pen|I counted buttons, one to ten|the cart was pulled by seven men
            at noon I hear the old church bell|we fetch cool water from the well|this button was a river shell|I know a tale that I can tell
            a squirrel lives in every tree|from rose to rose there flies a bee|the kitten sleeps upon my knee|come in and have a cup of tea
            above the mill I see the moon|he stirs the porridge with a spoon|the market opens up at noon|the fiddler plays a merry tune
            the roofs are shining in the rain|a donkey trots along the lane|the gown has got a silken train|the soup is good, the bowl is plain
            my grandmother has knit a sock|tick-tock, tick-tock, so says the clock|the goat is climbing on a rock|the hat is drying on its block
            we work and sing the livelong day|the barn is full of yellow hay|the kittens like to jump and play|the sky above the hill is grey
            a stranger knocks upon the door|the crumbs have fallen on the floor|the clock upon the wall strikes four|the squirrel has a secret store
            the cook has made a cherry pie|a kite is dancing in the sky|the swing goes up so very high|I wish that I knew how to fly
            the children share a honey cake|a swan is gliding on the lake|the river bends just like a snake|on Sunday mornings we all bake
            the little fox runs through the snow|her ribbon has a pretty bow|the buttons sit all in a row|with sun and rain the flowers grow
            she carries water in a pail|the squirrel has a bushy tail|across the path there creeps a snail|the little boat has got a sail
            beside the fire lies a dog|within the ditch there sings a frog|the woodcutter sat on a log|the bridge is hidden in the fog
            the farmer feeds a hungry pig|the mayor has a powdered wig|a robin sits upon a twig|the pumpkin grew so very big""")) {
            LINES.put(line.substring(line.lastIndexOf(' ') + 1), line);
        }
        for (List<String> family : Words.RHYMES) for (String word : family) line(word);
    }

    /** The line that ends in this word. */
    static String line(String word) {
        String line = LINES.get(word);
        if (line == null) throw new IllegalStateException("no line of verse ends in '" + word + "'");
        return line;
    }

    /** Two lines, as text: capital, comma, full stop. */
    static String couplet(String first, String second) {
        return Grammar.capital(line(first)) + ",\n" + line(second) + ".";
    }
}
