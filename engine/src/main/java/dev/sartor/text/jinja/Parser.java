package dev.sartor.text.jinja;

import dev.sartor.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Parses a template's statements. */
final class Parser {

    private static final Set<String> UNSUPPORTED =
            Set.of("block", "extends", "include", "import", "from", "autoescape", "do", "trans", "pluralize", "debug");

    private final Tokens tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(Tokens tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static List<Node> parse(String source) {
        Tokens tokens = new Tokens(Lexer.tokens(source));
        Parser parser = new Parser(tokens);
        List<Node> body = parser.body(Set.of());
        if (tokens.peek().kind() != Kind.END) {
            throw Failure.at(tokens.line(), "unexpected " + tokens.peek(1).shown());
        }
        return body;
    }

    /** Nodes up to a block that begins with one of the names; that block's begin is left unread. */
    private List<Node> body(Set<String> ends) {
        List<Node> nodes = new ArrayList<>();
        while (true) {
            Token token = tokens.peek();
            switch (token.kind()) {
                case END -> {
                    if (!ends.isEmpty()) {
                        throw Failure.at(token.line(), "the template ends where one of " + sorted(ends) + " is expected");
                    }
                    return nodes;
                }
                case DATA -> {
                    tokens.next();
                    nodes.add(new Node.Data(token.text(), token.line()));
                }
                case VARIABLE_BEGIN -> {
                    tokens.next();
                    nodes.add(new Node.Output(expressions.tuple(), token.line()));
                    tokens.expect(Kind.VARIABLE_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    Token name = tokens.peek(1);
                    if (name.kind() == Kind.NAME && ends.contains(name.text())) {
                        return nodes;
                    }
                    tokens.next();
                    nodes.add(statement(tokens.expect(Kind.NAME, "a statement")));
                }
                default -> throw Failure.at(token.line(), "unexpected " + token.shown());
            }
        }
    }

    private static List<String> sorted(Set<String> names) {
        return names.stream().sorted().toList();
    }

    private Node statement(Token name) {
        int line = name.line();
        return switch (name.text()) {
            case "if" -> ifStatement(line);
            case "for" -> forStatement(line);
            case "set" -> set(line);
            case "macro" -> macro(line);
            case "call" -> call(line);
            case "filter" -> filterBlock(line);
            case "with" -> with(line);
            case "generation" -> {
                endBlock();
                List<Node> body = body(Set.of("endgeneration"));
                close("endgeneration");
                yield new Node.Generation(body, line);
            }
            case "break", "continue" -> {
                if (loops == 0) {
                    throw Failure.at(line, "{% " + name.text() + " %} stands outside a loop");
                }
                endBlock();
                yield name.text().equals("break") ? new Node.Break(line) : new Node.Continue(line);
            }
            default -> throw Failure.at(line, UNSUPPORTED.contains(name.text())
                    ? "{% " + name.text() + " %} is not supported in chat templates"
                    : "unexpected statement '" + name.text() + "'");
        };
    }

    private void endBlock() {
        tokens.expect(Kind.BLOCK_END, "'%}'");
    }

    /** Reads {@code {% name %}}, the begin of which is next. */
    private void close(String name) {
        tokens.expect(Kind.BLOCK_BEGIN, "'{%'");
        tokens.expectName(name);
        if (name.equals("endmacro") || name.equals("endset") || name.equals("endcall")) {
            // jinja2 does not demand a name here, but some templates repeat the macro's.
            if (tokens.peek().kind() == Kind.NAME) {
                tokens.next();
            }
        }
        endBlock();
    }

    private Node ifStatement(int line) {
        List<Node.Branch> branches = new ArrayList<>();
        Expr condition = expressions.tuple();
        while (true) {
            endBlock();
            List<Node> body = body(condition == null ? Set.of("endif") : Set.of("elif", "else", "endif"));
            branches.add(new Node.Branch(condition, body));
            tokens.expect(Kind.BLOCK_BEGIN, "'{%'");
            String next = tokens.expect(Kind.NAME, "elif, else or endif").text();
            if (next.equals("endif")) {
                endBlock();
                return new Node.If(branches, line);
            }
            condition = next.equals("elif") ? expressions.tuple() : null;
        }
    }

    private Node forStatement(int line) {
        Expr target = expressions.target(false);
        tokens.expectName("in");
        Expr iterable = expressions.iterable();
        Expr filter = tokens.skipName("if") ? expressions.expression() : null;
        boolean recursive = tokens.skipName("recursive");
        endBlock();
        loops++;
        List<Node> body = body(Set.of("else", "endfor"));
        loops--;
        List<Node> orElse = List.of();
        if (tokens.peek(1).is(Kind.NAME, "else")) {
            close("else");
            orElse = body(Set.of("endfor"));
        }
        close("endfor");
        return new Node.For(target, iterable, filter, recursive, body, orElse, line);
    }

    private Node set(int line) {
        Expr target = expressions.target(true);
        if (tokens.skipOperator("=")) {
            Expr value = expressions.tuple();
            endBlock();
            return new Node.Set(target, value, line);
        }
        Expr filtered = filterChain(line);
        endBlock();
        List<Node> body = body(Set.of("endset"));
        close("endset");
        return new Node.SetBlock(target, filtered, body, line);
    }

    private Expr filterChain(int line) {
        return expressions.filters(new Expr.Name(Node.BODY, line));
    }

    private Node filterBlock(int line) {
        Expr filtered = expressions.filters(expressions.filter(new Expr.Name(Node.BODY, line)));
        endBlock();
        List<Node> body = body(Set.of("endfilter"));
        close("endfilter");
        return new Node.FilterBlock(filtered, body, line);
    }

    private Node with(int line) {
        List<Expr> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (tokens.peek().kind() != Kind.BLOCK_END) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(expressions.target(false));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        endBlock();
        List<Node> body = body(Set.of("endwith"));
        close("endwith");
        return new Node.With(targets, values, body, line);
    }

    private Node macro(int line) {
        String name = tokens.expect(Kind.NAME, "the macro's name").text();
        List<Node.Parameter> parameters = parameters();
        endBlock();
        return new Node.Macro(name, parameters, macroBody("endmacro"), line);
    }

    private List<Node> macroBody(String end) {
        int outer = loops;
        loops = 0;
        List<Node> body = body(Set.of(end));
        close(end);
        loops = outer;
        return body;
    }

    private List<Node.Parameter> parameters() {
        List<Node.Parameter> parameters = new ArrayList<>();
        tokens.expectOperator("(");
        while (!tokens.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
            }
            String name = tokens.expect(Kind.NAME, "a parameter's name").text();
            Expr defaultValue = tokens.skipOperator("=") ? expressions.expression() : null;
            if (defaultValue == null && !parameters.isEmpty() && parameters.getLast().defaultValue() != null) {
                throw Failure.at(tokens.line(), "the parameter '" + name + "' without a default follows one with a default");
            }
            parameters.add(new Node.Parameter(name, defaultValue));
        }
        return parameters;
    }

    private Node call(int line) {
        List<Node.Parameter> parameters = tokens.nextIsOperator("(") ? parameters() : List.of();
        Expr callee = expressions.expression();
        if (!(callee instanceof Expr.Call call)) {
            throw Failure.at(line, "{% call %} expects a call");
        }
        endBlock();
        return new Node.CallBlock(call, new Node.Macro("caller", parameters, macroBody("endcall"), line), line);
    }
}
