package dev.sartor.text.jinja;

import java.util.List;

/** The {@code loop} of a for statement, at one iteration. */
final class Loop {

    private static final Object NOTHING = new Object();

    private final List<?> items;
    private final int depth;
    private Object lastChanged = NOTHING;
    int index;

    /** Renders the loop's body over other items one level deeper; null unless the loop is recursive. */
    final Callable recurse;

    Loop(List<?> items, int depth, Callable recurse) {
        this.items = items;
        this.depth = depth;
        this.recurse = recurse;
    }

    Object attribute(String name) {
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) items.size() - index;
            case "revindex0" -> (long) items.size() - index - 1;
            case "first" -> index == 0;
            case "last" -> index == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
            case "nextitem" -> index < items.size() - 1 ? items.get(index + 1) : new Undefined("there is no next item");
            case "cycle" -> (Callable) arguments -> {
                if (arguments.positional().isEmpty()) {
                    throw Failure.of("loop.cycle expects values");
                }
                return arguments.positional().get(index % arguments.positional().size());
            };
            case "changed" -> (Callable) arguments -> {
                Object now = arguments.positional();
                boolean changed = lastChanged == NOTHING || !Values.equal(lastChanged, now);
                lastChanged = now;
                return changed;
            };
            default -> new Undefined("'loop' has no attribute '" + name + "'");
        };
    }
}
