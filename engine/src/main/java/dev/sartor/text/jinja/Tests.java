package dev.sartor.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BiPredicate;

/** What may stand behind {@code is}. */
final class Tests {

    private static final Map<String, BiPredicate<Object, Arguments>> TESTS = Map.ofEntries(
            Map.entry("defined", (v, a) -> !(v instanceof Undefined)),
            Map.entry("undefined", (v, a) -> v instanceof Undefined),
            Map.entry("none", (v, a) -> v == null),
            Map.entry("string", (v, a) -> v instanceof String),
            Map.entry("mapping", (v, a) -> v instanceof Map<?, ?>),
            Map.entry("iterable", (v, a) -> iterable(v)),
            Map.entry("sequence", (v, a) -> v instanceof List<?> || v instanceof Map<?, ?> || v instanceof String),
            Map.entry("number", (v, a) -> Values.isNumber(v)),
            Map.entry("integer", (v, a) -> v instanceof Long),
            Map.entry("float", (v, a) -> v instanceof Double),
            Map.entry("boolean", (v, a) -> v instanceof Boolean),
            Map.entry("true", (v, a) -> Boolean.TRUE.equals(v)),
            Map.entry("false", (v, a) -> Boolean.FALSE.equals(v)),
            Map.entry("callable", (v, a) -> v instanceof Callable),
            Map.entry("odd", (v, a) -> Values.equal(Operators.binary("%", v, 2L), 1L)),
            Map.entry("even", (v, a) -> Values.equal(Operators.binary("%", v, 2L), 0L)),
            Map.entry("divisibleby", (v, a) -> Values.equal(Operators.binary("%", v, a.require("num")[0]), 0L)),
            Map.entry("lower", (v, a) -> isLower(Values.string(v))),
            Map.entry("upper", (v, a) -> isUpper(Values.string(v))),
            Map.entry("sameas", (v, a) -> sameAs(v, a.require("other")[0])),
            Map.entry("in", (v, a) -> Values.contains(a.require("seq")[0], v)),
            Map.entry("eq", comparison("==")), Map.entry("equalto", comparison("==")), Map.entry("ne", comparison("!=")),
            Map.entry("lt", comparison("<")), Map.entry("lessthan", comparison("<")), Map.entry("le", comparison("<=")),
            Map.entry("gt", comparison(">")), Map.entry("greaterthan", comparison(">")), Map.entry("ge", comparison(">=")));

    private Tests() {
    }

    static boolean exists(String name) {
        return TESTS.containsKey(name);
    }

    static TreeSet<String> names() {
        return new TreeSet<>(TESTS.keySet());
    }

    /** Also reachable by a name in {@code select} and its kin, where it may be an operator such as {@code ==}. */
    static boolean holds(String name, Object value, Arguments arguments) {
        BiPredicate<Object, Arguments> test = TESTS.get(name);
        if (test == null && List.of("==", "!=", "<", "<=", ">", ">=").contains(name)) {
            test = comparison(name);
        }
        if (test == null) {
            throw Failure.of("the test '" + name + "' is not supported; supported are " + names());
        }
        return test.test(value, arguments);
    }

    private static BiPredicate<Object, Arguments> comparison(String operator) {
        return (value, arguments) -> Operators.compare(operator, value, arguments.require("other")[0]);
    }

    private static boolean iterable(Object value) {
        return value instanceof List<?> || value instanceof Map<?, ?> || value instanceof String || value instanceof Undefined;
    }

    private static boolean sameAs(Object a, Object b) {
        return a == b || a instanceof Boolean && a.equals(b);
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }
}
