package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Evaluated arguments of one call.
 *
 * @param callee how the called thing is named in an error
 */
record Arguments(String callee, List<Object> positional, Map<String, Object> named) {

    static Arguments none(String callee) {
        return new Arguments(callee, List.of(), Map.of());
    }

    /**
     * Lines the arguments up with parameters, as Python does; those not given are {@link #ABSENT}.
     *
     * @throws Failure if there are too many, or one is unknown or given twice
     */
    Object[] bind(String... parameters) {
        Object[] bound = new Object[parameters.length];
        Arrays.fill(bound, ABSENT);
        if (positional.size() > parameters.length) {
            throw Failure.of(callee + " takes at most " + parameters.length + " arguments, given " + positional.size());
        }
        for (int i = 0; i < positional.size(); i++) {
            bound[i] = positional.get(i);
        }
        for (Map.Entry<String, Object> each : named.entrySet()) {
            int index = Arrays.asList(parameters).indexOf(each.getKey());
            if (index < 0) {
                throw Failure.of(callee + " has no argument '" + each.getKey() + "'");
            }
            if (bound[index] != ABSENT) {
                throw Failure.of(callee + " is given '" + each.getKey() + "' twice");
            }
            bound[index] = each.getValue();
        }
        return bound;
    }

    /** As {@link #bind}, where all of them must be given. */
    Object[] require(String... parameters) {
        Object[] bound = bind(parameters);
        for (int i = 0; i < bound.length; i++) {
            if (bound[i] == ABSENT) {
                throw Failure.of(callee + " needs the argument '" + parameters[i] + "'");
            }
        }
        return bound;
    }

    static final Object ABSENT = new Object();

    static Object or(Object given, Object absent) {
        return given == ABSENT ? absent : given;
    }

    /** A string argument; {@code absent} where it is not given. */
    String string(Object given, String absent) {
        return switch (given) {
            case String text -> text;
            case null -> absent;
            case Object o when o == ABSENT -> absent;
            default -> throw Failure.of(callee + " expects a string, given " + Values.typeName(given));
        };
    }

    /** An integer argument; {@code absent} where it is not given. */
    long integer(Object given, long absent) {
        return switch (given) {
            case Long n -> n;
            case Boolean b -> b ? 1 : 0;
            case null -> absent;
            case Object o when o == ABSENT -> absent;
            default -> throw Failure.of(callee + " expects an integer, given " + Values.typeName(given));
        };
    }

    Arguments withoutFirst() {
        return new Arguments(callee, positional.subList(1, positional.size()), named);
    }

    Arguments with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(named);
        more.put(name, value);
        return new Arguments(callee, new ArrayList<>(positional), more);
    }
}
