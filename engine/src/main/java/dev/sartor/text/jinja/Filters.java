package dev.sartor.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** What may stand behind a bar. */
final class Filters {

    private interface Filter {
        Object apply(Object value, Arguments arguments);
    }

    private static final Map<String, Filter> FILTERS = new TreeMap<>(Map.ofEntries(
            Map.entry("trim", (v, a) -> Text.strip(Values.string(v), a.string(a.bind("chars")[0], null))),
            Map.entry("tojson", PythonJson::filter),
            Map.entry("length", (v, a) -> Values.length(v)),
            Map.entry("count", (v, a) -> Values.length(v)),
            Map.entry("upper", (v, a) -> Values.string(v).toUpperCase(Locale.ROOT)),
            Map.entry("lower", (v, a) -> Values.string(v).toLowerCase(Locale.ROOT)),
            Map.entry("capitalize", (v, a) -> Text.capitalize(Values.string(v))),
            Map.entry("title", (v, a) -> titleFilter(Values.string(v))),
            Map.entry("string", (v, a) -> Values.string(v)),
            Map.entry("safe", (v, a) -> Values.string(v)),
            Map.entry("escape", (v, a) -> escape(Values.string(v))),
            Map.entry("e", (v, a) -> escape(Values.string(v))),
            Map.entry("default", Filters::defaultFilter),
            Map.entry("d", Filters::defaultFilter),
            Map.entry("join", Filters::join),
            Map.entry("list", (v, a) -> new ArrayList<Object>(Values.iterate(v))),
            Map.entry("first", (v, a) -> Values.iterate(v).isEmpty() ? new Undefined("no first item, the sequence is empty") : Values.iterate(v).getFirst()),
            Map.entry("last", (v, a) -> Values.iterate(v).isEmpty() ? new Undefined("no last item, the sequence is empty") : Values.iterate(v).getLast()),
            Map.entry("reverse", (v, a) -> v instanceof String s ? new StringBuilder(s).reverse().toString() : new ArrayList<Object>(Values.iterate(v)).reversed()),
            Map.entry("unique", Filters::unique),
            Map.entry("sort", Filters::sort),
            Map.entry("dictsort", Filters::dictSort),
            Map.entry("items", Filters::items),
            Map.entry("replace", Filters::replace),
            Map.entry("indent", Filters::indent),
            Map.entry("int", Filters::integer),
            Map.entry("float", Filters::floating),
            Map.entry("abs", (v, a) -> Values.compare(v, 0L) < 0 ? Operators.sign(true, v) : Operators.sign(false, v)),
            Map.entry("round", Filters::round),
            Map.entry("sum", Filters::sum),
            Map.entry("min", (v, a) -> extreme(v, 1)),
            Map.entry("max", (v, a) -> extreme(v, -1)),
            Map.entry("map", Filters::map),
            Map.entry("select", (v, a) -> selected(v, a, false, true)),
            Map.entry("reject", (v, a) -> selected(v, a, false, false)),
            Map.entry("selectattr", (v, a) -> selected(v, a, true, true)),
            Map.entry("rejectattr", (v, a) -> selected(v, a, true, false)),
            Map.entry("wordcount", (v, a) -> (long) Text.split(Values.string(v), null, -1).size())));

    private Filters() {
    }

    static boolean exists(String name) {
        return FILTERS.containsKey(name);
    }

    static TreeSet<String> names() {
        return new TreeSet<>(FILTERS.keySet());
    }

    static Object apply(String name, Object value, Arguments arguments) {
        Filter filter = FILTERS.get(name);
        if (filter == null) {
            throw Failure.of("the filter '" + name + "' is not supported; supported are " + names());
        }
        return filter.apply(value, arguments);
    }

    private static Object defaultFilter(Object value, Arguments a) {
        Object[] b = a.bind("default_value", "boolean");
        boolean replaced = value instanceof Undefined || Values.truth(Arguments.or(b[1], false)) && !Values.truth(value);
        return replaced ? Arguments.or(b[0], "") : value;
    }

    private static Object join(Object value, Arguments a) {
        Object[] b = a.bind("d", "attribute");
        String separator = Values.string(Arguments.or(b[0], ""));
        Function<Object, Object> get = attribute(Arguments.or(b[1], null));
        StringBuilder out = new StringBuilder();
        String between = "";
        for (Object item : Values.iterate(value)) {
            out.append(between).append(Values.string(get.apply(item)));
            between = separator;
        }
        return out.toString();
    }

    /** How {@code attribute="a.b"} or an index reads an item; null reads the item itself. */
    private static Function<Object, Object> attribute(Object path) {
        if (path == null) {
            return Function.identity();
        }
        List<Object> steps = path instanceof String text ? Text.split(text, ".", -1) : List.of(path);
        return item -> {
            Object at = item;
            for (Object step : steps) {
                at = Access.item(at, step instanceof String s && s.matches("\\d+") ? Long.valueOf(s) : step);
            }
            return at;
        };
    }

    private static Object unique(Object value, Arguments a) {
        Object[] b = a.bind("case_sensitive", "attribute");
        Function<Object, Object> key = folded(attribute(Arguments.or(b[1], null)), Values.truth(Arguments.or(b[0], false)));
        List<Object> seen = new ArrayList<>();
        List<Object> out = new ArrayList<>();
        for (Object item : Values.iterate(value)) {
            Object k = key.apply(item);
            if (seen.stream().noneMatch(each -> Values.equal(each, k))) {
                seen.add(k);
                out.add(item);
            }
        }
        return out;
    }

    private static Function<Object, Object> folded(Function<Object, Object> get, boolean caseSensitive) {
        return caseSensitive ? get : get.andThen(v -> v instanceof String s ? s.toLowerCase(Locale.ROOT) : v);
    }

    private static Object sort(Object value, Arguments a) {
        Object[] b = a.bind("reverse", "case_sensitive", "attribute");
        Function<Object, Object> key = folded(attribute(Arguments.or(b[2], null)), Values.truth(Arguments.or(b[1], false)));
        return sorted(Values.iterate(value), key, Values.truth(Arguments.or(b[0], false)));
    }

    private static List<Object> sorted(List<?> items, Function<Object, Object> key, boolean reverse) {
        List<Object> out = new ArrayList<>(items);
        Comparator<Object> order = (x, y) -> Values.compare(key.apply(x), key.apply(y));
        out.sort(reverse ? order.reversed() : order);
        return out;
    }

    private static Object dictSort(Object value, Arguments a) {
        Object[] b = a.bind("case_sensitive", "by", "reverse");
        long at = a.string(b[1], "key").equals("value") ? 1 : 0;
        return sorted((List<?>) items(value, Arguments.none(a.callee())),
                folded(item -> Access.item(item, at), Values.truth(Arguments.or(b[0], false))), Values.truth(Arguments.or(b[2], false)));
    }

    private static Object items(Object value, Arguments a) {
        return switch (value) {
            case Map<?, ?> map -> Methods.items(map);
            case Undefined u -> List.of();
            case null, default -> throw Failure.of("items expects a dict, given " + Values.typeName(value));
        };
    }

    private static Object replace(Object value, Arguments a) {
        Object[] b = a.bind("old", "new", "count");
        return Text.replace(Values.string(value), a.string(b[0], ""), a.string(b[1], ""), a.integer(b[2], -1));
    }

    private static Object indent(Object value, Arguments a) {
        Object[] b = a.bind("width", "first", "blank");
        Object width = Arguments.or(b[0], 4L);
        String by = width instanceof String s ? s : " ".repeat((int) a.integer(width, 4));
        boolean first = Values.truth(Arguments.or(b[1], false));
        boolean blank = Values.truth(Arguments.or(b[2], false));
        // jinja2 adds a newline before splitting, so that one at the end is kept.
        List<Object> lines = Text.split(Values.string(value).replace("\r\n", "\n"), "\n", -1);
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            out.append(i == 0 ? "" : "\n").append(i == 0 ? first ? by : "" : blank || !line.isEmpty() ? by : "").append(line);
        }
        return out.toString();
    }

    private static Object integer(Object value, Arguments a) {
        Object[] b = a.bind("default", "base");
        Object fallback = Arguments.or(b[0], 0L);
        try {
            return switch (value) {
                case Long n -> n;
                case Boolean flag -> flag ? 1L : 0L;
                case Double d -> (long) (double) d;
                case String s -> s.strip().matches("[+-]?\\d+") ? Long.parseLong(s.strip(), (int) a.integer(b[1], 10)) : (long) Double.parseDouble(s.strip());
                case null, default -> fallback;
            };
        } catch (NumberFormatException e) {
            return fallback;
        }
    }

    private static Object floating(Object value, Arguments a) {
        Object fallback = Arguments.or(a.bind("default")[0], 0.0);
        try {
            return Values.isNumber(value) ? Values.number(value) : value instanceof String s ? Double.parseDouble(s.strip()) : fallback;
        } catch (NumberFormatException e) {
            return fallback;
        }
    }

    private static Object round(Object value, Arguments a) {
        Object[] b = a.bind("precision", "method");
        if (!Values.isNumber(value)) {
            throw Values.undefinedOr(value, null, "round expects a number, given " + Values.typeName(value));
        }
        RoundingMode mode = switch (a.string(b[1], "common")) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw Failure.of("round expects the method 'common', 'ceil' or 'floor'");
        };
        return new BigDecimal(Values.number(value)).setScale((int) a.integer(b[0], 0), mode).doubleValue();
    }

    private static Object sum(Object value, Arguments a) {
        Object[] b = a.bind("attribute", "start");
        Function<Object, Object> get = attribute(Arguments.or(b[0], null));
        Object total = Arguments.or(b[1], 0L);
        for (Object item : Values.iterate(value)) {
            total = Operators.binary("+", total, get.apply(item));
        }
        return total;
    }

    private static Object extreme(Object value, int sign) {
        List<?> items = Values.iterate(value);
        return items.isEmpty() ? new Undefined("the sequence is empty")
                : Collections.min(items, (x, y) -> sign * Values.compare(x, y));
    }

    private static Object map(Object value, Arguments a) {
        Function<Object, Object> function;
        if (a.positional().isEmpty()) {
            Object[] b = a.bind("attribute", "default");
            Function<Object, Object> get = attribute(Arguments.or(b[0], null));
            function = b[1] == Arguments.ABSENT ? get : get.andThen(v -> v instanceof Undefined ? b[1] : v);
        } else {
            String name = a.string(a.positional().getFirst(), "");
            Arguments rest = a.withoutFirst();
            function = item -> apply(name, item, rest);
        }
        List<Object> out = new ArrayList<>();
        Values.iterate(value).forEach(item -> out.add(function.apply(item)));
        return out;
    }

    private static Object selected(Object value, Arguments a, boolean byAttribute, boolean keep) {
        Function<Object, Object> get = Function.identity();
        Arguments rest = a;
        if (byAttribute) {
            if (a.positional().isEmpty()) {
                throw Failure.of(a.callee() + " needs an attribute's name");
            }
            get = attribute(a.positional().getFirst());
            rest = a.withoutFirst();
        }
        String test = rest.positional().isEmpty() ? null : a.string(rest.positional().getFirst(), "");
        Arguments testArguments = test == null ? rest : rest.withoutFirst();
        List<Object> out = new ArrayList<>();
        for (Object item : Values.iterate(value)) {
            Object tested = get.apply(item);
            if ((test == null ? Values.truth(tested) : Tests.holds(test, tested, testArguments)) == keep) {
                out.add(item);
            }
        }
        return out;
    }

    private static String titleFilter(String text) {
        // Words begin after blanks, hyphens and opening brackets; unlike str.title, not after an apostrophe.
        StringBuilder out = new StringBuilder();
        boolean start = true;
        for (int c : text.codePoints().toArray()) {
            String one = Character.toString(c);
            out.append(start ? one.toUpperCase(Locale.ROOT) : one.toLowerCase(Locale.ROOT));
            start = Text.isSpace(c) || "-({[<".indexOf(c) >= 0;
        }
        return out.toString();
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;").replace("\"", "&#34;");
    }
}
