package dev.sartor.bench.report;

import java.util.ArrayList;
import java.util.List;

/** Values along an axis: from a range of values, plain or logarithmic, to a range of the drawing. */
record Scale(double low, double high, boolean logarithmic, double from, double to) {
    private static final int TICKS = 6;

    double at(double value) {
        double part = logarithmic
                ? Math.log(value / low) / Math.log(high / low)
                : (value - low) / (high - low);
        return from + (to - from) * part;
    }

    /** Round values within the range; of a logarithmic axis, 1, 2 and 5 of each decade, or only 1 where those are many. */
    List<Double> ticks() {
        var ticks = new ArrayList<Double>();
        if (logarithmic) {
            boolean wide = high / low > 1e3;
            for (double decade = Math.pow(10, Math.floor(Math.log10(low))); decade <= high; decade *= 10) {
                for (int factor : wide ? new int[] {1} : new int[] {1, 2, 5}) {
                    if (decade * factor >= low && decade * factor <= high) {
                        ticks.add(decade * factor);
                    }
                }
            }
            return ticks;
        }
        double rough = (high - low) / TICKS;
        double decade = Math.pow(10, Math.floor(Math.log10(rough)));
        double step = decade * (rough / decade <= 1 ? 1 : rough / decade <= 2 ? 2 : rough / decade <= 5 ? 5 : 10);
        for (double tick = Math.ceil(low / step) * step; tick <= high * (1 + 1e-9); tick += step) {
            ticks.add(tick);
        }
        return ticks;
    }

    /** A tick's value as short as it can be. */
    static String label(double tick) {
        return tick == Math.rint(tick) ? Long.toString((long) tick) : Float.toString((float) (Math.rint(tick * 1e6) / 1e6));
    }
}
