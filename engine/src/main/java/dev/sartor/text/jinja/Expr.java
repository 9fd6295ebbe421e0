package dev.sartor.text.jinja;

import java.util.List;
import java.util.Map;

/** An expression; each knows its line. */
sealed interface Expr {

    int line();

    record Const(Object value, int line) implements Expr { }

    record Name(String name, int line) implements Expr { }

    record ListOf(List<Expr> items, boolean tuple, int line) implements Expr { }

    record DictOf(List<Map.Entry<Expr, Expr>> items, int line) implements Expr { }

    record Attribute(Expr of, String name, int line) implements Expr { }

    record Item(Expr of, Expr key, int line) implements Expr { }

    /** Any bound may be null. */
    record Slice(Expr of, Expr start, Expr stop, Expr step, int line) implements Expr { }

    record Call(Expr callee, Args args, int line) implements Expr { }

    record Filter(Expr of, String name, Args args, int line) implements Expr { }

    record Test(Expr of, String name, Args args, boolean negated, int line) implements Expr { }

    record Not(Expr of, int line) implements Expr { }

    record Sign(Expr of, boolean negative, int line) implements Expr { }

    record Binary(String operator, Expr left, Expr right, int line) implements Expr { }

    record Logical(boolean and, Expr left, Expr right, int line) implements Expr { }

    /** {@code a < b <= c}: as many operators as right sides. */
    record Compare(Expr first, List<String> operators, List<Expr> rights, int line) implements Expr { }

    /** {@code orElse} is null where there is no {@code else}. */
    record Conditional(Expr condition, Expr then, Expr orElse, int line) implements Expr { }

    /** What stands between the parentheses of a call; {@code spread} is {@code *args}, or null, and likewise {@code **}. */
    record Args(List<Expr> positional, Map<String, Expr> named, Expr spread, Expr spreadNamed) {
        static final Args NONE = new Args(List.of(), Map.of(), null, null);
    }
}
