package dev.sartor.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Executes statements, appending what they print to a buffer. */
final class Renderer {

    private static final int MAX_DEPTH = 200;

    private enum Flow { NEXT, BREAK, CONTINUE }

    private StringBuilder out = new StringBuilder();
    private final StringBuilder page = out;
    private final boolean marking;
    private final List<Rendered.Span> spans = new ArrayList<>();
    private int depth;

    /** @param marking whether generation blocks are wanted as spans */
    Renderer(boolean marking) {
        this.marking = marking;
    }

    Rendered render(List<Node> body, Scope scope) {
        run(body, scope);
        return new Rendered(page.toString(), List.copyOf(spans));
    }

    private Flow run(List<Node> body, Scope scope) {
        for (Node node : body) {
            Flow flow;
            try {
                flow = run(node, scope);
            } catch (Failure failure) {
                throw failure.withLine(node.line());
            }
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    private Flow run(Node node, Scope scope) {
        switch (node) {
            case Node.Data d -> out.append(d.text());
            case Node.Output o -> out.append(Values.string(Evaluator.value(o.value(), scope)));
            case Node.If i -> {
                for (Node.Branch branch : i.branches()) {
                    if (branch.condition() == null || Values.truth(Evaluator.value(branch.condition(), scope))) {
                        return run(branch.body(), scope);
                    }
                }
            }
            case Node.For f -> {
                return loop(f, Evaluator.value(f.iterable(), scope), scope, 0);
            }
            case Node.Set s -> assign(s.target(), Evaluator.value(s.value(), scope), scope);
            case Node.SetBlock s -> assign(s.target(), filtered(s.filtered(), capture(s.body(), new Scope(scope)), scope), scope);
            case Node.FilterBlock f -> out.append(Values.string(filtered(f.filtered(), capture(f.body(), new Scope(scope)), scope)));
            case Node.Macro m -> scope.set(m.name(), macro(m, scope));
            case Node.CallBlock c -> {
                Arguments arguments = Evaluator.arguments(Evaluator.name(c.call().callee()), c.call().args(), scope)
                        .with("caller", macro(c.caller(), scope));
                out.append(Values.string(Evaluator.call(Evaluator.value(c.call().callee(), scope), arguments)));
            }
            case Node.With w -> {
                Scope inner = new Scope(scope);
                for (int i = 0; i < w.targets().size(); i++) {
                    assign(w.targets().get(i), Evaluator.value(w.values().get(i), scope), inner);
                }
                return run(w.body(), inner);
            }
            case Node.Generation g -> generation(g, scope);
            case Node.Break b -> {
                return Flow.BREAK;
            }
            case Node.Continue c -> {
                return Flow.CONTINUE;
            }
        }
        return Flow.NEXT;
    }

    private void generation(Node.Generation node, Scope scope) {
        if (marking && out != page) {
            throw Failure.of("{% generation %} stands in a macro or captured block, where what it prints has no place in the"
                    + " conversation yet; move it out, or do without assistant-only loss");
        }
        int start = out.length();
        run(node.body(), new Scope(scope));
        if (marking) {
            spans.add(new Rendered.Span(start, out.length()));
        }
    }

    private Flow loop(Node.For node, Object iterable, Scope scope, int level) {
        List<?> items = Values.iterate(iterable);
        if (node.filter() != null) {
            List<Object> kept = new ArrayList<>();
            for (Object item : items) {
                Scope inner = new Scope(scope);
                assign(node.target(), item, inner);
                if (Values.truth(Evaluator.value(node.filter(), inner))) {
                    kept.add(item);
                }
            }
            items = kept;
        }
        if (items.isEmpty()) {
            return run(node.orElse(), scope);
        }
        Callable recurse = !node.recursive() ? null : arguments -> capturing(() -> {
            loop(node, arguments.require("iterable")[0], scope, level + 1);
        });
        Loop loop = new Loop(items, level, recurse);
        for (int i = 0; i < items.size(); i++) {
            loop.index = i;
            Scope inner = new Scope(scope);
            inner.set("loop", loop);
            assign(node.target(), items.get(i), inner);
            if (run(node.body(), inner) == Flow.BREAK) {
                break;
            }
        }
        return Flow.NEXT;
    }

    private static void assign(Expr target, Object value, Scope scope) {
        switch (target) {
            case Expr.Name name -> scope.set(name.name(), value);
            case Expr.Attribute attribute -> {
                if (!(Evaluator.value(attribute.of(), scope) instanceof Namespace namespace)) {
                    throw Failure.at(attribute.line(), "cannot set an attribute of something other than a namespace");
                }
                namespace.attributes.put(attribute.name(), value);
            }
            case Expr.ListOf names -> {
                List<?> items = Values.iterate(value);
                if (items.size() != names.items().size()) {
                    throw Failure.at(names.line(), "expected " + names.items().size() + " values to unpack, found " + items.size());
                }
                for (int i = 0; i < items.size(); i++) {
                    assign(names.items().get(i), items.get(i), scope);
                }
            }
            default -> throw Failure.at(target.line(), "cannot assign to this");
        }
    }

    private static Object filtered(Expr filtered, String body, Scope scope) {
        Scope inner = new Scope(scope);
        inner.set(Node.BODY, body);
        return Evaluator.value(filtered, inner);
    }

    private String capture(List<Node> body, Scope scope) {
        return capturing(() -> run(body, scope));
    }

    private String capturing(Runnable work) {
        if (depth >= MAX_DEPTH) {
            throw Failure.of("macros or captured blocks are nested more than " + MAX_DEPTH + " deep");
        }
        StringBuilder outer = out;
        out = new StringBuilder();
        depth++;
        try {
            work.run();
            return out.toString();
        } finally {
            out = outer;
            depth--;
        }
    }

    private Callable macro(Node.Macro macro, Scope definition) {
        return arguments -> {
            Scope scope = new Scope(definition);
            bind(macro, arguments, scope);
            return capture(macro.body(), scope);
        };
    }

    private static void bind(Node.Macro macro, Arguments arguments, Scope scope) {
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        Object caller = named.remove("caller");
        if (caller != null) {
            scope.set("caller", caller);
        }
        List<Object> positional = arguments.positional();
        List<Node.Parameter> parameters = macro.parameters();
        for (int i = 0; i < parameters.size(); i++) {
            Node.Parameter parameter = parameters.get(i);
            Object value;
            if (i < positional.size()) {
                if (named.containsKey(parameter.name())) {
                    throw Failure.of("the macro " + macro.name() + " is given '" + parameter.name() + "' twice");
                }
                value = positional.get(i);
            } else if (named.containsKey(parameter.name())) {
                value = named.remove(parameter.name());
            } else if (parameter.defaultValue() != null) {
                value = Evaluator.value(parameter.defaultValue(), scope);
            } else {
                value = new Undefined("the parameter '" + parameter.name() + "' was not provided");
            }
            scope.set(parameter.name(), value);
        }
        boolean more = positional.size() > parameters.size();
        scope.set("varargs", new Tuple(more ? positional.subList(parameters.size(), positional.size()) : List.of()));
        scope.set("kwargs", named);
        if (more && !Uses.name(macro.body(), "varargs")) {
            throw Failure.of("the macro " + macro.name() + " takes at most " + parameters.size() + " arguments, given " + positional.size());
        }
        if (!named.isEmpty() && !Uses.name(macro.body(), "kwargs")) {
            throw Failure.of("the macro " + macro.name() + " has no argument '" + named.keySet().iterator().next() + "'");
        }
    }
}
