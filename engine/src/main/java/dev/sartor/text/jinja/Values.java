package dev.sartor.text.jinja;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;

/**
 * Python's values in Java: {@code None} is null, {@code int} Long, {@code float} Double, {@code bool} Boolean, {@code str}
 * String, {@code list} List, {@code tuple} {@link Tuple}, {@code dict} Map in insertion order; and what Python says of
 * them: truth, equality, order, {@code str()} and {@code repr()}.
 */
final class Values {

    private Values() {
    }

    /** A JSON value as Python's {@code json.loads} gives it. */
    static Object of(JsonNode node) {
        return switch (node.getNodeType()) {
            case NULL, MISSING -> null;
            case BOOLEAN -> node.booleanValue();
            case STRING -> node.stringValue();
            case NUMBER -> {
                if (node.isIntegralNumber()) {
                    if (!node.canConvertToLong()) {
                        throw Failure.of("the integer " + node + " does not fit 64 bits");
                    }
                    yield node.longValue();
                }
                yield node.doubleValue();
            }
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                node.forEach(item -> list.add(of(item)));
                yield Collections.unmodifiableList(list);
            }
            case OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                node.properties().forEach(e -> map.put(e.getKey(), of(e.getValue())));
                yield Collections.unmodifiableMap(map);
            }
            default -> throw Failure.of("a value of kind " + node.getNodeType() + " has no place in a template");
        };
    }

    /** A Java value handed in by a caller, its numbers made Long or Double. */
    static Object of(Object value) {
        return switch (value) {
            case JsonNode node -> of(node);
            case Integer n -> n.longValue();
            case Short n -> n.longValue();
            case Float f -> f.doubleValue();
            case null -> null;
            case Tuple tuple -> tuple;
            case List<?> list -> list.stream().map(Values::of).collect(ArrayList::new, ArrayList::add, ArrayList::addAll);
            case Map<?, ?> map -> {
                Map<Object, Object> copy = new LinkedHashMap<>();
                map.forEach((k, v) -> copy.put(of(k), of(v)));
                yield copy;
            }
            default -> value;
        };
    }

    static String typeName(Object value) {
        return switch (value) {
            case null -> "None";
            case Boolean b -> "bool";
            case Long n -> "int";
            case Double d -> "float";
            case String s -> "str";
            case Tuple t -> "tuple";
            case List<?> l -> "list";
            case Map<?, ?> m -> "dict";
            case Undefined u -> "Undefined";
            case Namespace n -> "Namespace";
            case Loop l -> "LoopContext";
            default -> "function";
        };
    }

    static boolean truth(Object value) {
        return switch (value) {
            case null -> false;
            case Boolean b -> b;
            case Long n -> n != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case List<?> l -> !l.isEmpty();
            case Map<?, ?> m -> !m.isEmpty();
            case Undefined u -> false;
            default -> true;
        };
    }

    static boolean equal(Object a, Object b) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double ? number(a) == number(b) : integer(a) == integer(b);
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            if (x.size() != y.size() || a instanceof Tuple != b instanceof Tuple) {
                return false;
            }
            for (int i = 0; i < x.size(); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            if (x.size() != y.size()) {
                return false;
            }
            for (Map.Entry<?, ?> each : x.entrySet()) {
                if (!y.containsKey(each.getKey()) || !equal(each.getValue(), y.get(each.getKey()))) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Undefined && b instanceof Undefined) {
            return true;
        }
        return Objects.equals(a, b);
    }

    /** Order of two numbers, strings or lists. */
    static int compare(Object a, Object b) {
        if (isNumber(a) && isNumber(b)) {
            return a instanceof Double || b instanceof Double
                    ? Double.compare(number(a), number(b)) : Long.compare(integer(a), integer(b));
        }
        if (a instanceof String x && b instanceof String y) {
            return Text.compare(x, y);
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return compare(x.get(i), y.get(i));
                }
            }
            return Integer.compare(x.size(), y.size());
        }
        throw undefinedOr(a, b, "cannot order " + typeName(a) + " and " + typeName(b));
    }

    /** The error of an undefined operand, if one is, else the given one. */
    static Failure undefinedOr(Object a, Object b, String message) {
        return a instanceof Undefined u ? u.failure() : b instanceof Undefined u ? u.failure() : Failure.of(message);
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static double number(Object value) {
        return value instanceof Double d ? d : integer(value);
    }

    static long integer(Object value) {
        return value instanceof Boolean b ? b ? 1 : 0 : (Long) value;
    }

    /** What iterating over a value gives. */
    static List<?> iterate(Object value) {
        return switch (value) {
            case List<?> list -> list;
            case Map<?, ?> map -> new ArrayList<Object>(map.keySet());
            case String text -> Text.characters(text);
            case Undefined u -> List.of();
            case null, default -> throw Failure.of(typeName(value) + " cannot be iterated over");
        };
    }

    static long length(Object value) {
        return switch (value) {
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case String text -> text.codePointCount(0, text.length());
            case Undefined u -> 0;
            case null, default -> throw Failure.of(typeName(value) + " has no length");
        };
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text -> {
                if (item instanceof String part) {
                    yield text.contains(part);
                }
                throw undefinedOr(item, null, "'in <string>' requires a string, given " + typeName(item));
            }
            case Map<?, ?> map -> map.containsKey(item);
            case null, default -> iterate(container).stream().anyMatch(each -> equal(each, item));
        };
    }

    /** Python's {@code str()}, with nothing for undefined. */
    static String string(Object value) {
        return switch (value) {
            case String text -> text;
            case Undefined u -> "";
            case null, default -> repr(value);
        };
    }

    static String repr(Object value) {
        StringBuilder out = new StringBuilder();
        repr(value, out);
        return out.toString();
    }

    private static void repr(Object value, StringBuilder out) {
        switch (value) {
            case null -> out.append("None");
            case Boolean b -> out.append(b ? "True" : "False");
            case Double d -> out.append(floatRepr(d));
            case String text -> Text.quote(text, out);
            case List<?> list -> {
                boolean tuple = list instanceof Tuple;
                out.append(tuple ? '(' : '[');
                String separator = "";
                for (Object item : list) {
                    out.append(separator);
                    repr(item, out);
                    separator = ", ";
                }
                out.append(tuple && list.size() == 1 ? ",)" : tuple ? ")" : "]");
            }
            case Map<?, ?> map -> {
                out.append('{');
                String separator = "";
                for (Map.Entry<?, ?> each : map.entrySet()) {
                    out.append(separator);
                    repr(each.getKey(), out);
                    out.append(": ");
                    repr(each.getValue(), out);
                    separator = ", ";
                }
                out.append('}');
            }
            case Undefined u -> out.append("Undefined");
            case Long n -> out.append(n.longValue());
            default -> throw Failure.of("a " + typeName(value) + " cannot be printed");
        }
    }

    /** Python's {@code repr} of a float: the shortest digits that give it back. */
    static String floatRepr(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        int exponent = decimal.precision() - decimal.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = decimal.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = decimal.unscaledValue().abs().toString();
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        return (value < 0 ? "-" : "") + mantissa + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    }
}
