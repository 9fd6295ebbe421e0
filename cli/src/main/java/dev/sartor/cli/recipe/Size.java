package dev.sartor.cli.recipe;

import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/** Sizes of memory as people write them: {@code 24GiB}, {@code 24GB}, {@code 1.5 GiB}, {@code 25769803776}. */
public final class Size {
    static final String EXPECTED = "a size such as 24GiB, 24GB, 512MiB or a number of bytes";

    private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGT]?)(i?)B?", Pattern.CASE_INSENSITIVE);

    private Size() {}

    /** Bytes; empty if it is no size, or none above 0. */
    static OptionalLong parse(String text) {
        var matcher = FORM.matcher(text.strip());
        if (!matcher.matches()) {
            return OptionalLong.empty();
        }
        int power = " KMGT".indexOf(matcher.group(2).isEmpty() ? " " : matcher.group(2).toUpperCase(Locale.ROOT));
        // As accelerate reads them: GB is 10^9, GiB is 2^30, and G alone too.
        double unit = Math.pow(matcher.group(3).isEmpty() && text.strip().toUpperCase(Locale.ROOT).endsWith("B") ? 1000 : 1024, power);
        double bytes = Double.parseDouble(matcher.group(1)) * unit;
        return bytes >= 1 && bytes < Long.MAX_VALUE ? OptionalLong.of((long) bytes) : OptionalLong.empty();
    }

    /**
     * @throws RecipeException if it is no size
     */
    public static long bytes(String text) {
        return parse(text).orElseThrow(() -> new RecipeException("expected " + EXPECTED + ", found '" + text + "'"));
    }
}
