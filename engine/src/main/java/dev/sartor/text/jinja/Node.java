package dev.sartor.text.jinja;

import java.util.List;

/** A statement or a piece of output; each knows its line. */
sealed interface Node {

    int line();

    record Data(String text, int line) implements Node { }

    record Output(Expr value, int line) implements Node { }

    /** One branch per if and elif; the condition of an else is null. */
    record If(List<Branch> branches, int line) implements Node { }

    record Branch(Expr condition, List<Node> body) { }

    /** {@code filter} may be null; {@code orElse} may be empty. */
    record For(Expr target, Expr iterable, Expr filter, boolean recursive, List<Node> body, List<Node> orElse, int line)
            implements Node { }

    record Set(Expr target, Expr value, int line) implements Node { }

    /** {@code {% set x | filters %}...{% endset %}}; the filters wrap {@link Expr.Name} {@link #BODY}. */
    record SetBlock(Expr target, Expr filtered, List<Node> body, int line) implements Node { }

    record FilterBlock(Expr filtered, List<Node> body, int line) implements Node { }

    record Macro(String name, List<Parameter> parameters, List<Node> body, int line) implements Node { }

    /** {@code defaultValue} may be null. */
    record Parameter(String name, Expr defaultValue) { }

    record CallBlock(Expr.Call call, Macro caller, int line) implements Node { }

    record With(List<Expr> targets, List<Expr> values, List<Node> body, int line) implements Node { }

    /** {@code {% generation %}}: what the assistant said, which assistant-only loss learns. */
    record Generation(List<Node> body, int line) implements Node { }

    record Break(int line) implements Node { }

    record Continue(int line) implements Node { }

    /** The name that stands for a block's rendered text in its filters; no template can spell it. */
    String BODY = "{body}";
}
