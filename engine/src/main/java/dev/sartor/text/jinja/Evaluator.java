package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Computes expressions. */
final class Evaluator {

    private Evaluator() {
    }

    static Object value(Expr expr, Scope scope) {
        try {
            return evaluate(expr, scope);
        } catch (Failure failure) {
            throw failure.withLine(expr.line());
        }
    }

    private static Object evaluate(Expr expr, Scope scope) {
        return switch (expr) {
            case Expr.Const c -> c.value();
            case Expr.Name n -> scope.get(n.name());
            case Expr.ListOf l -> {
                List<Object> items = new ArrayList<>();
                l.items().forEach(item -> items.add(value(item, scope)));
                yield l.tuple() ? new Tuple(items) : items;
            }
            case Expr.DictOf d -> {
                Map<Object, Object> map = new LinkedHashMap<>();
                d.items().forEach(item -> map.put(value(item.getKey(), scope), value(item.getValue(), scope)));
                yield map;
            }
            case Expr.Attribute a -> Access.attribute(value(a.of(), scope), a.name());
            case Expr.Item i -> Access.item(value(i.of(), scope), value(i.key(), scope));
            case Expr.Slice s -> Access.slice(value(s.of(), scope), optional(s.start(), scope), optional(s.stop(), scope),
                    optional(s.step(), scope));
            case Expr.Call c -> call(value(c.callee(), scope), arguments(name(c.callee()), c.args(), scope));
            case Expr.Filter f -> Filters.apply(f.name(), value(f.of(), scope), arguments("the filter " + f.name(), f.args(), scope));
            case Expr.Test t -> Tests.holds(t.name(), value(t.of(), scope), arguments("the test " + t.name(), t.args(), scope)) != t.negated();
            case Expr.Not n -> !Values.truth(value(n.of(), scope));
            case Expr.Sign s -> Operators.sign(s.negative(), value(s.of(), scope));
            case Expr.Binary b -> Operators.binary(b.operator(), value(b.left(), scope), value(b.right(), scope));
            case Expr.Logical l -> {
                Object left = value(l.left(), scope);
                yield Values.truth(left) == l.and() ? value(l.right(), scope) : left;
            }
            case Expr.Compare c -> compare(c, scope);
            case Expr.Conditional c -> Values.truth(value(c.condition(), scope)) ? value(c.then(), scope)
                    : c.orElse() != null ? value(c.orElse(), scope)
                    : new Undefined("the inline if-expression has no else and its condition is false");
        };
    }

    private static Object optional(Expr expr, Scope scope) {
        return expr == null ? null : value(expr, scope);
    }

    private static Object compare(Expr.Compare c, Scope scope) {
        Object left = value(c.first(), scope);
        for (int i = 0; i < c.operators().size(); i++) {
            Object right = value(c.rights().get(i), scope);
            if (!Operators.compare(c.operators().get(i), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    static Object call(Object callee, Arguments arguments) {
        return switch (callee) {
            case Callable callable -> callable.call(arguments);
            case Loop loop when loop.recurse != null -> loop.recurse.call(arguments);
            case Undefined u -> throw u.failure();
            case null, default -> throw Failure.of(arguments.callee() + " is a " + Values.typeName(callee) + " and cannot be called");
        };
    }

    static Arguments arguments(String callee, Expr.Args args, Scope scope) {
        List<Object> positional = new ArrayList<>();
        args.positional().forEach(arg -> positional.add(value(arg, scope)));
        Map<String, Object> named = new LinkedHashMap<>();
        args.named().forEach((name, arg) -> named.put(name, value(arg, scope)));
        if (args.spread() != null) {
            positional.addAll(Values.iterate(value(args.spread(), scope)));
        }
        if (args.spreadNamed() != null) {
            if (!(value(args.spreadNamed(), scope) instanceof Map<?, ?> map)) {
                throw Failure.of(callee + ": ** expects a dict");
            }
            map.forEach((name, value) -> named.put(Values.string(name), value));
        }
        return new Arguments(callee, positional, named);
    }

    static String name(Expr callee) {
        return switch (callee) {
            case Expr.Name n -> n.name();
            case Expr.Attribute a -> a.name();
            default -> "the called value";
        };
    }
}
