package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The methods of Python's str, dict and list that templates use; those that change their value are refused, as the sandbox does. */
final class Methods {

    private Methods() {
    }

    /** A method bound to its value, or null where the value has none of that name. */
    static Callable find(Object value, String name) {
        return switch (value) {
            case String text -> string(text, name);
            case Map<?, ?> map -> dict(map, name);
            case List<?> list -> list(list, name);
            case null, default -> null;
        };
    }

    private static Callable string(String s, String name) {
        return switch (name) {
            case "strip" -> a -> Text.strip(s, chars(a));
            case "lstrip" -> a -> Text.lstrip(s, chars(a));
            case "rstrip" -> a -> Text.rstrip(s, chars(a));
            case "upper" -> a -> s.toUpperCase(Locale.ROOT);
            case "lower", "casefold" -> a -> s.toLowerCase(Locale.ROOT);
            case "title" -> a -> Text.title(s);
            case "capitalize" -> a -> Text.capitalize(s);
            case "startswith" -> a -> affix(s, a, true);
            case "endswith" -> a -> affix(s, a, false);
            case "split" -> a -> {
                Object[] b = a.bind("sep", "maxsplit");
                return Text.split(s, a.string(b[0], null), a.integer(b[1], -1));
            };
            case "rsplit" -> a -> {
                Object[] b = a.bind("sep", "maxsplit");
                return Text.rsplit(s, a.string(b[0], null), a.integer(b[1], -1));
            };
            case "splitlines" -> a -> splitLines(s, Values.truth(Arguments.or(a.bind("keepends")[0], false)));
            case "partition" -> a -> partition(s, a, s.indexOf(a.string(a.require("sep")[0], "")), false);
            case "rpartition" -> a -> partition(s, a, s.lastIndexOf(a.string(a.require("sep")[0], "")), true);
            case "replace" -> a -> {
                Object[] b = a.bind("old", "new", "count");
                return Text.replace(s, text(a, b[0]), text(a, b[1]), a.integer(b[2], -1));
            };
            case "join" -> a -> join(s, a);
            case "find" -> a -> codePoints(s, s.indexOf(text(a, a.require("sub")[0])));
            case "rfind" -> a -> codePoints(s, s.lastIndexOf(text(a, a.require("sub")[0])));
            case "index" -> a -> {
                String sub = text(a, a.require("sub")[0]);
                if (!s.contains(sub)) {
                    throw Failure.of("substring " + Values.repr(sub) + " not found");
                }
                return codePoints(s, s.indexOf(sub));
            };
            case "count" -> a -> {
                String sub = text(a, a.require("sub")[0]);
                return sub.isEmpty() ? Values.length(s) + 1 : (long) Text.split(s, sub, -1).size() - 1;
            };
            case "removeprefix" -> a -> {
                String prefix = text(a, a.require("prefix")[0]);
                return s.startsWith(prefix) ? s.substring(prefix.length()) : s;
            };
            case "removesuffix" -> a -> {
                String suffix = text(a, a.require("suffix")[0]);
                return s.endsWith(suffix) ? s.substring(0, s.length() - suffix.length()) : s;
            };
            case "isdigit", "isnumeric", "isdecimal" -> a -> !s.isEmpty() && s.codePoints().allMatch(Character::isDigit);
            case "isalpha" -> a -> !s.isEmpty() && s.codePoints().allMatch(Character::isLetter);
            case "isalnum" -> a -> !s.isEmpty() && s.codePoints().allMatch(Character::isLetterOrDigit);
            case "isspace" -> a -> !s.isEmpty() && s.codePoints().allMatch(Text::isSpace);
            case "isupper" -> a -> Tests.isUpper(s);
            case "islower" -> a -> Tests.isLower(s);
            default -> null;
        };
    }

    private static String chars(Arguments a) {
        return a.string(a.bind("chars")[0], null);
    }

    private static String text(Arguments a, Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw Values.undefinedOr(value, null, a.callee() + " expects a string, given "
                + (value == Arguments.ABSENT ? "nothing" : Values.typeName(value)));
    }

    private static Object codePoints(String s, int utf16) {
        return utf16 < 0 ? -1L : (long) s.codePointCount(0, utf16);
    }

    private static Object affix(String s, Arguments a, boolean start) {
        Object given = a.require(start ? "prefix" : "suffix")[0];
        List<?> candidates = given instanceof Tuple tuple ? tuple : List.of(text(a, given));
        for (Object candidate : candidates) {
            String affix = text(a, candidate);
            if (start ? s.startsWith(affix) : s.endsWith(affix)) {
                return true;
            }
        }
        return false;
    }

    private static Object splitLines(String s, boolean keepEnds) {
        List<Object> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '\n' || c == '\r' || c == 0x0b || c == 0x0c || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029) {
                int end = i;
                if (c == '\r' && i + 1 < s.length() && s.charAt(i + 1) == '\n') {
                    i++;
                }
                lines.add(s.substring(from, keepEnds ? i + 1 : end));
                from = i + 1;
            }
        }
        if (from < s.length()) {
            lines.add(s.substring(from));
        }
        return lines;
    }

    private static Object partition(String s, Arguments a, int at, boolean right) {
        String separator = text(a, a.positional().isEmpty() ? a.named().get("sep") : a.positional().getFirst());
        if (at < 0) {
            return new Tuple(right ? List.of("", "", s) : List.of(s, "", ""));
        }
        return new Tuple(List.of(s.substring(0, at), separator, s.substring(at + separator.length())));
    }

    private static Object join(String separator, Arguments a) {
        StringBuilder out = new StringBuilder();
        String between = "";
        for (Object item : Values.iterate(a.require("iterable")[0])) {
            out.append(between).append(text(a, item));
            between = separator;
        }
        return out.toString();
    }

    private static Callable dict(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" -> a -> {
                Object[] b = a.bind("key", "default");
                return map.containsKey(b[0]) ? map.get(b[0]) : Arguments.or(b[1], null);
            };
            case "items" -> a -> items(map);
            case "keys" -> a -> new ArrayList<Object>(map.keySet());
            case "values" -> a -> new ArrayList<Object>(map.values());
            case "copy" -> a -> new LinkedHashMap<Object, Object>(map);
            case "update", "pop", "popitem", "clear", "setdefault" -> refused("dict", name);
            default -> null;
        };
    }

    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }

    private static Callable list(List<?> list, String name) {
        return switch (name) {
            case "index" -> a -> {
                Object wanted = a.require("value")[0];
                for (int i = 0; i < list.size(); i++) {
                    if (Values.equal(list.get(i), wanted)) {
                        return (long) i;
                    }
                }
                throw Failure.of(Values.repr(wanted) + " is not in the list");
            };
            case "count" -> a -> {
                Object wanted = a.require("value")[0];
                return list.stream().filter(each -> Values.equal(each, wanted)).count();
            };
            case "copy" -> a -> new ArrayList<Object>(list);
            case "append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort" -> refused("list", name);
            default -> null;
        };
    }

    private static Callable refused(String type, String name) {
        return a -> {
            throw Failure.of(type + "." + name + " would change its value, which templates may not");
        };
    }
}
