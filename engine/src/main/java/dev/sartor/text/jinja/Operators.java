package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic, comparison and concatenation. */
final class Operators {

    /** Longer strings or lists by {@code *} are refused, as a template has no use for them. */
    private static final long MAX_REPEATED = 1_000_000;

    private Operators() {
    }

    static Object binary(String operator, Object a, Object b) {
        if (operator.equals("~")) {
            return Values.string(a) + Values.string(b);
        }
        if (operator.equals("+")) {
            if (a instanceof String x && b instanceof String y) {
                return x + y;
            }
            if (a instanceof List<?> x && b instanceof List<?> y && a instanceof Tuple == b instanceof Tuple) {
                List<Object> joined = new ArrayList<>(x);
                joined.addAll(y);
                return a instanceof Tuple ? new Tuple(joined) : joined;
            }
        }
        if (operator.equals("*") && (isSequence(a) && b instanceof Long || a instanceof Long && isSequence(b))) {
            return isSequence(a) ? repeat(a, (Long) b) : repeat(b, (Long) a);
        }
        if (operator.equals("%") && a instanceof String) {
            throw Failure.of("'%' formatting of strings is not supported; use ~ to join values");
        }
        if (!Values.isNumber(a) || !Values.isNumber(b)) {
            throw Values.undefinedOr(a, b, "cannot compute " + Values.typeName(a) + " " + operator + " " + Values.typeName(b));
        }
        try {
            return a instanceof Double || b instanceof Double || operator.equals("/")
                    ? floating(operator, Values.number(a), Values.number(b))
                    : integer(operator, Values.integer(a), Values.integer(b));
        } catch (ArithmeticException e) {
            throw Failure.of("cannot compute " + Values.repr(a) + " " + operator + " " + Values.repr(b) + ": " + e.getMessage());
        }
    }

    private static boolean isSequence(Object value) {
        return value instanceof String || value instanceof List<?>;
    }

    private static Object repeat(Object sequence, long times) {
        if (times > 0 && times * Math.max(1, Values.length(sequence)) > MAX_REPEATED) {
            throw Failure.of("a repetition longer than " + MAX_REPEATED + " is refused");
        }
        int n = (int) Math.max(0, times);
        if (sequence instanceof String text) {
            return text.repeat(n);
        }
        List<Object> out = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            out.addAll((List<?>) sequence);
        }
        return out;
    }

    private static Object integer(String operator, long a, long b) {
        return switch (operator) {
            case "+" -> Math.addExact(a, b);
            case "-" -> Math.subtractExact(a, b);
            case "*" -> Math.multiplyExact(a, b);
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            case "**" -> power(a, b);
            default -> throw Failure.of("unknown operator " + operator);
        };
    }

    private static Object power(long base, long exponent) {
        if (exponent < 0) {
            return Math.pow(base, exponent);
        }
        long result = 1;
        for (long i = 0; i < exponent && (result != 0 && (base != 1 || i == 0)); i++) {
            result = Math.multiplyExact(result, base);
        }
        return result;
    }

    private static Object floating(String operator, double a, double b) {
        if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw new ArithmeticException("division by zero");
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            case "**" -> Math.pow(a, b);
            default -> throw Failure.of("unknown operator " + operator);
        };
    }

    static boolean compare(String operator, Object a, Object b) {
        return switch (operator) {
            case "==" -> Values.equal(a, b);
            case "!=" -> !Values.equal(a, b);
            case "in" -> Values.contains(b, a);
            case "not in" -> !Values.contains(b, a);
            case "<" -> Values.compare(a, b) < 0;
            case "<=" -> Values.compare(a, b) <= 0;
            case ">" -> Values.compare(a, b) > 0;
            case ">=" -> Values.compare(a, b) >= 0;
            default -> throw Failure.of("unknown comparison " + operator);
        };
    }

    static Object sign(boolean negative, Object value) {
        return switch (value) {
            case Double d -> negative ? -d : d;
            case Long n -> negative ? Math.negateExact(n) : n;
            case Boolean b -> negative ? -Values.integer(b) : Values.integer(b);
            case null, default -> throw Values.undefinedOr(value, null, "cannot negate " + Values.typeName(value));
        };
    }
}
