package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Attributes, items and slices. */
final class Access {

    private Access() {
    }

    /** {@code value.name}: a method or attribute if there is one, else the item of that name. */
    static Object attribute(Object value, String name) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        if (value instanceof Namespace n) {
            return n.attributes.containsKey(name) ? n.attributes.get(name) : missing(value, name);
        }
        if (value instanceof Loop loop) {
            return loop.attribute(name);
        }
        Callable method = Methods.find(value, name);
        if (method != null) {
            return method;
        }
        if (value instanceof Map<?, ?> map && map.containsKey(name)) {
            return map.get(name);
        }
        return missing(value, name);
    }

    /** {@code value[key]}: an item if there is one, else the attribute of that name. */
    static Object item(Object value, Object key) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        switch (value) {
            case Map<?, ?> map -> {
                if (map.containsKey(key)) {
                    return map.get(key);
                }
            }
            case List<?> list -> {
                if (key instanceof Long index) {
                    long at = index < 0 ? index + list.size() : index;
                    return at >= 0 && at < list.size() ? list.get((int) at)
                            : new Undefined(Values.typeName(value) + " object has no element " + index);
                }
            }
            case String text -> {
                if (key instanceof Long index) {
                    int length = text.codePointCount(0, text.length());
                    long at = index < 0 ? index + length : index;
                    return at >= 0 && at < length ? Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at)))
                            : new Undefined("str object has no element " + index);
                }
            }
            case null, default -> { }
        }
        return key instanceof String name ? attribute(value, name)
                : new Undefined("'" + Values.typeName(value) + " object' has no element " + Values.repr(key));
    }

    private static Undefined missing(Object value, String name) {
        return new Undefined("'" + Values.typeName(value) + " object' has no attribute '" + name + "'");
    }

    /** {@code value[start:stop:step]}, bounds null where they are left out. */
    static Object slice(Object value, Object start, Object stop, Object step) {
        if (value instanceof Undefined u) {
            throw u.failure();
        }
        if (!(value instanceof List<?>) && !(value instanceof String)) {
            throw Failure.of("a " + Values.typeName(value) + " cannot be sliced");
        }
        List<?> items = Values.iterate(value);
        long by = step == null ? 1 : bound(step);
        if (by == 0) {
            throw Failure.of("a slice's step is zero");
        }
        int size = items.size();
        long from = start == null ? by > 0 ? 0 : size - 1 : clamp(bound(start), size, by);
        long to = stop == null ? by > 0 ? size : -1 : clamp(bound(stop), size, by);
        List<Object> out = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            out.add(items.get((int) i));
        }
        if (value instanceof String) {
            StringBuilder text = new StringBuilder();
            out.forEach(text::append);
            return text.toString();
        }
        return value instanceof Tuple ? new Tuple(out) : out;
    }

    private static long bound(Object value) {
        return switch (value) {
            case Long n -> n;
            case Boolean b -> b ? 1 : 0;
            case Undefined u -> throw u.failure();
            case null, default -> throw Failure.of("a slice's bound must be an integer, given " + Values.typeName(value));
        };
    }

    private static long clamp(long bound, int size, long by) {
        long at = bound < 0 ? bound + size : bound;
        return by > 0 ? Math.clamp(at, 0, size) : Math.clamp(at, -1, size - 1);
    }
}
